#!/usr/bin/env bash
# Make a virtual environment for each peer, or for the ones named: install.sh [NAME ...]
# They go to benchmarks/peers/.venv-NAME, or to $PEERS_HOME/.venv-NAME.
set -euo pipefail
cd "$(dirname "$0")"
home="${PEERS_HOME:-.}"

# make NAME PACKAGE ...
make() {
    python3 -m venv --clear "$home/.venv-$1"
    "$home/.venv-$1/bin/pip" install --quiet "${@:2}"
}

[ $# -gt 0 ] || set -- original torch jax torchlpc librosa scipy
for name; do
    case $name in
    original) # magenta/ddsp itself; not all that it wants can be had any more, nor is it needed
        make original tensorflow-cpu numpy scipy librosa gin-config tensorflow-probability
        "$home/.venv-original/bin/pip" install --quiet --no-deps ddsp==3.7.0 tf-keras ;;
    original-*) # an earlier version, run by the environment of "original" with it in PYTHONPATH
        "$home/.venv-original/bin/pip" install --quiet --no-deps --target "$home/$name" \
            "ddsp==${name#original-}" ;;
    torch) make torch numpy torch ;;
    jax) make jax numpy jax ;;
    torchlpc) make torchlpc numpy torch torchlpc ;;
    librosa) make librosa numpy librosa ;;
    scipy) make scipy numpy scipy ;;
    *) echo "install.sh: no peer is called $name" >&2; exit 2 ;;
    esac
done
