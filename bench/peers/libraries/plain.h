// SPDX-License-Identifier: MIT
// The norms as one would write them in C, for elements of one type. Included once for each type, with NAME(f), ELEMENT,
// LOAD, STORE.

void NAME(layer_norm)(int64_t rows, int64_t hidden, const ELEMENT *restrict x, const ELEMENT *restrict weight,
                      const ELEMENT *restrict bias, ELEMENT *restrict y) {
    for (int64_t row = 0; row < rows; row++, x += hidden, y += hidden) {
        float sum = 0, squares = 0;
        for (int64_t i = 0; i < hidden; i++) {
            sum += LOAD(x[i]);
        }
        const float mean = sum / (float)hidden;
        for (int64_t i = 0; i < hidden; i++) {
            squares += (LOAD(x[i]) - mean) * (LOAD(x[i]) - mean);
        }
        const float rstd = 1 / sqrtf(squares / (float)hidden + EPS);
        for (int64_t i = 0; i < hidden; i++) {
            y[i] = STORE((LOAD(x[i]) - mean) * rstd * LOAD(weight[i]) + LOAD(bias[i]));
        }
    }
}

void NAME(rms_norm)(int64_t rows, int64_t hidden, const ELEMENT *restrict x, const ELEMENT *restrict weight,
                    const ELEMENT *restrict bias, ELEMENT *restrict y) {
    (void)bias;
    for (int64_t row = 0; row < rows; row++, x += hidden, y += hidden) {
        float squares = 0;
        for (int64_t i = 0; i < hidden; i++) {
            squares += LOAD(x[i]) * LOAD(x[i]);
        }
        const float rstd = 1 / sqrtf(squares / (float)hidden + EPS);
        for (int64_t i = 0; i < hidden; i++) {
            y[i] = STORE(LOAD(x[i]) * rstd * LOAD(weight[i]));
        }
    }
}
