/* The decoder of an exported instrument in plain C99.
 *
 *   ddsp-ref export violin instrument.h
 *   cc -O2 -std=c99 decoder.c -o decoder -lm
 *   echo "440 -20" | ./decoder
 *
 * Every line of input has a pitch in Hz and a loudness in dB, every line of output the controls of
 * that frame: amplitude, distribution of the harmonics, magnitudes of the noise, before exp_sigmoid. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instrument.h"

#ifdef DDSP_DECODER_CONV
#error "a decoder of convolutions wants its past; this program has none"
#endif
#ifdef DDSP_DECODER_DDSP_PYTORCH
#error "a decoder of ddsp_pytorch has other inputs and layers; this program does not know them"
#endif
#ifdef DDSP_DECODER_RNN
#define N_HIDDEN DDSP_N_HIDDEN
#else
#define N_HIDDEN 1
#endif
#define N_CONTROLS (1 + DDSP_N_HARMONICS + DDSP_N_BANDS)
#define WIDEST (2 * DDSP_N_CHANNELS + 3 * N_HIDDEN + N_CONTROLS)

static const float *tensor(const char *prefix, const char *part, int *n_rows) {
    char name[256];
    sprintf(name, "%s/%s", prefix, part);
    for (size_t i = 0; i < sizeof ddsp_tensors / sizeof *ddsp_tensors; i++)
        if (!strcmp(ddsp_tensors[i].name, name)) {
            if (n_rows) *n_rows = ddsp_tensors[i].shape[0];
            return ddsp_tensors[i].data;
        }
    fprintf(stderr, "there is no tensor %s\n", name);
    exit(1);
}

/* y = x @ kernel + bias; kernels have a row for every input */
static void dense(const char *prefix, const char *kernel, const char *bias, const float *x, int n,
                  float *y) {
    int n_in;
    const float *k = tensor(prefix, kernel, &n_in);
    memcpy(y, tensor(prefix, bias, NULL), n * sizeof *y);
    for (int i = 0; i < n_in; i++)
        for (int j = 0; j < n; j++) y[j] += x[i] * k[i * n + j];
}

/* Dense, layer normalisation, leaky ReLU, several times, in place. */
static void stack(const char *name, float *x) {
    float y[DDSP_N_CHANNELS];
    char prefix[128];
    for (int layer = 0; layer < DDSP_N_LAYERS; layer++) {
        sprintf(prefix, "%s/%d", name, layer);
        dense(prefix, "kernel", "bias", x, DDSP_N_CHANNELS, y);
        const float *gamma = tensor(prefix, "gamma", NULL), *beta = tensor(prefix, "beta", NULL);
        double mean = 0, variance = 0;
        for (int i = 0; i < DDSP_N_CHANNELS; i++) mean += y[i] / DDSP_N_CHANNELS;
        for (int i = 0; i < DDSP_N_CHANNELS; i++)
            variance += (y[i] - mean) * (y[i] - mean) / DDSP_N_CHANNELS;
        for (int i = 0; i < DDSP_N_CHANNELS; i++) {
            float z = gamma[i] * (y[i] - mean) / sqrt(variance + 1e-3) + beta[i];
            x[i] = z < 0 ? 0.2f * z : z;
        }
    }
}

#ifdef DDSP_DECODER_DDSP_PYTORCH
#error "a decoder of ddsp_pytorch has other inputs and layers; this program does not know them"
#endif
#ifdef DDSP_DECODER_RNN
static float sigmoid(float x) { return 1 / (1 + exp(-x)); }

/* Columns are those of the gates z (keep), r (reset) and of the candidate. */
static void gru(const float *x, float *state) {
    static float a[3 * N_HIDDEN], c[3 * N_HIDDEN];
    dense("decoder/gru", "kernel", "bias", x, 3 * N_HIDDEN, a);
    dense("decoder/gru", "recurrent_kernel", "recurrent_bias", state, 3 * N_HIDDEN, c);
    for (int i = 0; i < N_HIDDEN; i++) {
        float z = sigmoid(a[i] + c[i]), r = sigmoid(a[N_HIDDEN + i] + c[N_HIDDEN + i]);
        float candidate = tanh(a[2 * N_HIDDEN + i] + r * c[2 * N_HIDDEN + i]);
        state[i] = z * state[i] + (1 - z) * candidate;
    }
}
#endif

static void decode(float f0_hz, float loudness_db, float *state, float *controls) {
    static float x[WIDEST], *f0 = x + DDSP_N_CHANNELS;
    float pitch[DDSP_N_CHANNELS] = {0};
    x[0] = loudness_db / DDSP_LEVEL_RANGE_DB + 1;
    pitch[0] = f0_hz > 0 ? (69 + 12 * log2(f0_hz / 440.0)) / 127 : 0;
    stack("decoder/loudness_stack", x);
    stack("decoder/f0_stack", pitch);
    memcpy(f0, pitch, sizeof pitch);
#ifdef DDSP_DECODER_DDSP_PYTORCH
#error "a decoder of ddsp_pytorch has other inputs and layers; this program does not know them"
#endif
#ifdef DDSP_DECODER_RNN
    gru(x, state);
    memcpy(x + 2 * DDSP_N_CHANNELS, state, N_HIDDEN * sizeof *state);
#else
    (void)state; /* every frame by itself */
#endif
    stack("decoder/out_stack", x);
    dense("decoder/controls", "kernel", "bias", x, N_CONTROLS, controls);
}

int main(void) {
    static float state[N_HIDDEN], controls[N_CONTROLS];
    float f0_hz, loudness_db;
    while (scanf("%f %f", &f0_hz, &loudness_db) == 2) {
        decode(f0_hz, loudness_db, state, controls);
        for (int i = 0; i < N_CONTROLS; i++)
            printf("%.9g%c", controls[i], i + 1 < N_CONTROLS ? ' ' : '\n');
    }
    return 0;
}
