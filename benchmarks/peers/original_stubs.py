"""Lets magenta/ddsp, 0.2 to 3.7.0, be imported on a TensorFlow of today: import this first.

What it imports for pitch by CREPE, for note sequences, for the cloud and for datasets stays away.
It wants Keras 2, which is called tf-keras now.
"""

from __future__ import annotations

import collections
import collections.abc
import importlib.abc
import importlib.machinery
import os
import sys
from types import ModuleType

import gin

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ABSENT = (
    "crepe", "note_seq", "hypertune", "tensorflow_datasets", "mir_eval", "pkg_resources",
    "google.cloud", "matplotlib", "tensorflow_addons",
)  # fmt: skip


class Stub(ModuleType):
    """A module in which every name is there and does nothing."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that stay away."""

    def find_spec(self, name, path=None, target=None):
        if any(name == absent or name.startswith(f"{absent}.") for absent in ABSENT):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return Stub(spec.name)

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Stubs())

# Of versions before 2: names that Python moved, and arguments that gin renamed.
for name in ("Iterable", "Mapping", "Sequence"):
    setattr(collections, name, getattr(collections.abc, name))


def with_old_names(decorator):
    """Let a decorator of gin take its arguments by their old names."""
    names = {"whitelist": "allowlist", "blacklist": "denylist"}

    def renamed(*args, **settings):
        return decorator(*args, **{names.get(key, key): x for key, x in settings.items()})

    return renamed


gin.configurable, gin.register = map(with_old_names, (gin.configurable, gin.register))
