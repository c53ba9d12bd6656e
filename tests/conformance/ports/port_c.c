/* Three ops in plain C99, answering the questions of `ddsp-ref conform export DIR`.
 *
 *   cc -O2 -std=c99 -DREAL=float port_c.c -o port -lm && ./port DIR
 *
 * REAL is float or double; answers go to answer_float32 or answer_float64 beside each question.
 * What has to be read and written is described in docs/conformance-format.md. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST 8 /* axes, inputs, settings */
#define PATH 4096
#define PI 3.14159265358979323846

typedef struct {
    int rank;
    long shape[MOST], size;
    REAL *data;
} array;

typedef struct {
    char op[64], names[MOST][64], values[MOST][64];
    int n_arrays, n_settings, gradient;
    array in[MOST], bar;
} question;

static void fail(const char *what, const char *path) {
    fprintf(stderr, "%s: %s\n", what, path);
    exit(1);
}

static void join(char *path, const char *folder, const char *name) {
    if (strlen(folder) + strlen(name) + 2 > PATH) fail("too long", folder);
    strcat(strcat(strcpy(path, folder), "/"), name);
}

static array make(int rank, const long *shape) {
    array a = {rank, {0}, 1, NULL};
    for (int i = 0; i < rank; i++) a.size *= a.shape[i] = shape[i];
    a.data = calloc(a.size ? a.size : 1, sizeof(REAL));
    return a;
}

/* The header is a line such as {'descr': '<f4', 'fortran_order': False, 'shape': (5, 3), } */
static array read_npy(const char *path) {
    FILE *file = fopen(path, "rb");
    unsigned char start[10];
    char head[1024] = {0};
    if (!file || fread(start, 1, 10, file) != 10) fail("cannot read", path);
    size_t length = start[8] + 256 * start[9];
    if (length >= sizeof head || fread(head, 1, length, file) != length) fail("no header", path);
    if (!strstr(head, "'<f4'") || strstr(head, "True")) fail("not float32 in C order", path);
    char *at = strchr(strstr(head, "'shape'"), '(') + 1, *end;
    long shape[MOST];
    int rank = 0;
    for (long n; n = strtol(at, &end, 10), end != at; at = end + (*end == ',')) shape[rank++] = n;
    array a = make(rank, shape);
    for (long i = 0; i < a.size; i++) {
        float value; /* this program takes a little-endian machine for granted */
        if (fread(&value, 4, 1, file) != 1) fail("too short", path);
        a.data[i] = value;
    }
    fclose(file);
    return a;
}

static void write_npy(const char *folder, const char *name, int number, array a) {
    char path[PATH], file_name[64], shape[256] = "", head[512];
    for (int i = 0; i < a.rank; i++) sprintf(shape + strlen(shape), "%ld, ", a.shape[i]);
    sprintf(head, "{'descr': '<f%d', 'fortran_order': False, 'shape': (%s), }",
            (int)sizeof(REAL), shape);
    int padded = (int)(64 - (10 + strlen(head) + 1) % 64) % 64 + (int)strlen(head);
    sprintf(file_name, "%s_%d.npy", name, number);
    join(path, folder, file_name);
    FILE *file = fopen(path, "wb");
    if (!file) fail("cannot write", path);
    fprintf(file, "%cNUMPY%c%c%c%c", 0x93, 1, 0, (padded + 1) & 255, (padded + 1) >> 8);
    fprintf(file, "%-*s\n", padded, head);
    fwrite(a.data, sizeof(REAL), a.size, file);
    fclose(file);
}

static question read_question(const char *folder) {
    question q;
    char path[PATH], line[512], *word;
    memset(&q, 0, sizeof q);
    join(path, folder, "question.txt");
    FILE *file = fopen(path, "r");
    if (!file) fail("cannot read", path);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        if (!(word = strtok(line, " "))) continue;
        if (!strcmp(word, "op")) strcpy(q.op, strtok(NULL, " "));
        if (!strcmp(word, "gradient")) q.gradient = 1;
        if (!strcmp(word, "array")) q.n_arrays++;
        if (!strcmp(word, "setting")) {
            strcpy(q.names[q.n_settings], strtok(NULL, " "));
            strcpy(q.values[q.n_settings++], strtok(NULL, ""));
        }
    }
    fclose(file);
    for (int i = 0; i < q.n_arrays; i++) {
        sprintf(line, "array_%d.npy", i);
        join(path, folder, line);
        q.in[i] = read_npy(path);
    }
    join(path, folder, "cotangent_0.npy");
    if (q.gradient) q.bar = read_npy(path);
    return q;
}

static const char *setting(const question *q, const char *name) {
    for (int i = 0; i < q->n_settings; i++)
        if (!strcmp(q->names[i], name)) return q->values[i];
    fail("no setting", name);
    return NULL;
}

/* Each op returns 0 if it refuses. */

static int exp_sigmoid(const question *q, array *y, array *bars) {
    const array *x = &q->in[0];
    double exponent = atof(setting(q, "exponent")), most = atof(setting(q, "max_value"));
    double threshold = atof(setting(q, "threshold"));
    if (exponent <= 1 || most <= 0 || threshold < 0) return 0;
    *y = make(x->rank, x->shape), bars[0] = make(x->rank, x->shape);
    for (long i = 0; i < x->size; i++) {
        REAL v = x->data[i], power = log(exponent);
        if (isnan(v)) return 0;
        REAL softplus = v < 0 ? -v + log1p(exp(v)) : log1p(exp(-v)); /* of -v */
        REAL amplitude = most * exp(-power * softplus);
        y->data[i] = amplitude + threshold;
        if (q->gradient) bars[0].data[i] = q->bar.data[i] * power * amplitude / (1 + exp(v));
    }
    return 1;
}

static int oscillator_bank(const question *q, array *y, array *bars) {
    const array *f = &q->in[0], *a = &q->in[1];
    double rate = atof(setting(q, "sample_rate"));
    const char *sum = setting(q, "sum_sinusoids");
    int summed = !strcmp(sum, "true");
    long n = f->shape[0], m = f->shape[1];
    if (rate <= 0 || (!summed && strcmp(sum, "false")) || a->shape[1] != m) return 0;
    *y = make(summed ? 1 : 2, f->shape);
    bars[0] = make(2, f->shape), bars[1] = make(2, f->shape);
    for (long k = 0; k < m; k++) {
        double phase = 0, later = 0; /* in cycles; float32 would lose the pitch within seconds */
        for (long t = 0; t < n; t++) {
            phase += f->data[t * m + k] / rate;
            phase -= floor(phase);
            int on = f->data[t * m + k] < rate / 2;
            long at = summed ? t : t * m + k;
            REAL sine = on ? sin(2 * PI * phase) : 0, slope = on ? cos(2 * PI * phase) : 0;
            y->data[at] += a->data[t * m + k] * sine;
            if (!q->gradient) continue;
            bars[1].data[t * m + k] = q->bar.data[at] * sine;
            bars[0].data[t * m + k] = q->bar.data[at] * a->data[t * m + k] * slope;
        }
        for (long t = n - 1; t >= 0; t--) { /* a frequency moves the phase of all later samples */
            later += bars[0].data[t * m + k];
            bars[0].data[t * m + k] = 2 * PI / rate * later;
        }
    }
    return 1;
}

/* Where the data of a row of the result are, in an array that may have one row for several. */
static long row_of(const array *a, const array *y, long row) {
    long place = 0, step = 1;
    for (int i = 1; i < y->rank; i++) {
        long there = row % y->shape[y->rank - 1 - i], axis = a->rank - 1 - i;
        row /= y->shape[y->rank - 1 - i];
        if (axis < 0) break;
        place += a->shape[axis] > 1 ? there * step : 0;
        step *= a->shape[axis];
    }
    return place * a->shape[a->rank - 1];
}

static int fft_convolve(const question *q, array *y, array *bars) {
    const array *x = &q->in[0], *h = &q->in[1];
    const char *padding = setting(q, "padding"), *delay = setting(q, "delay_compensation");
    long n = x->shape[x->rank - 1], taps = h->shape[h->rank - 1], start = atol(delay);
    if (strcmp(padding, "same") && strcmp(padding, "valid")) return 0;
    if (strchr(delay, '.') || !taps) return 0;
    if (start < 0) start = taps > 2 ? (taps - 1) / 2 - 1 : 0;
    if (start >= n + taps - 1) return 0;
    long shape[MOST];
    int rank = x->rank > h->rank ? x->rank : h->rank;
    for (int i = 1; i < rank; i++) {
        long one = i < x->rank ? x->shape[x->rank - 1 - i] : 1;
        long other = i < h->rank ? h->shape[h->rank - 1 - i] : 1;
        if (one != other && one != 1 && other != 1) return 0;
        shape[rank - 1 - i] = one > other ? one : other;
    }
    shape[rank - 1] = strcmp(padding, "same") ? n + taps - 1 : n;
    *y = make(rank, shape);
    bars[0] = make(x->rank, x->shape), bars[1] = make(h->rank, h->shape);
    long n_out = shape[rank - 1];
    for (long row = 0; row < y->size / n_out; row++) {
        long xs = row_of(x, y, row), hs = row_of(h, y, row);
        for (long t = 0; t < n_out; t++) {
            double sum = 0;
            for (long k = 0; k < taps; k++) {
                long s = t + start - k;
                if (s < 0 || s >= n) continue;
                sum += (double)h->data[hs + k] * x->data[xs + s];
                if (!q->gradient) continue;
                bars[0].data[xs + s] += q->bar.data[row * n_out + t] * h->data[hs + k];
                bars[1].data[hs + k] += q->bar.data[row * n_out + t] * x->data[xs + s];
            }
            y->data[row * n_out + t] = sum;
        }
    }
    return 1;
}

int main(int argc, char **argv) {
    char path[PATH], folder[PATH], line[256];
    if (argc != 2) fail("usage", "port DIR");
    join(path, argv[1], "cases.txt");
    FILE *cases = fopen(path, "r");
    if (!cases) fail("cannot read", path);
    while (fgets(line, sizeof line, cases)) {
        line[strcspn(line, "\r\n")] = 0;
        int (*op)(const question *, array *, array *) = NULL;
        if (!strncmp(line, "exp_sigmoid/", 12)) op = exp_sigmoid;
        if (!strncmp(line, "oscillator_bank/", 16)) op = oscillator_bank;
        if (!strncmp(line, "fft_convolve/", 13)) op = fft_convolve;
        if (!op) continue;
        join(path, argv[1], line);
        question q = read_question(path);
        join(folder, path, sizeof(REAL) == 4 ? "answer_float32" : "answer_float64");
        mkdir(folder, 0777);
        array y, bars[MOST];
        if (op(&q, &y, bars)) {
            write_npy(folder, "value", 0, y);
            for (int i = 0; q.gradient && i < q.n_arrays; i++)
                write_npy(folder, "gradient", i, bars[i]);
        } else {
            join(path, folder, "refused");
            fclose(fopen(path, "w"));
        }
    }
    fclose(cases);
    return 0;
}
