// SPDX-License-Identifier: MIT
// Pre-norm layers (Llama, GPT-2): h = x + attention(norm(x)), then h + feed_forward(norm(h)). The addition of a
// residual and the norm behind it are one call, so each layer hands on what it adds and what it adds to.
#include <vector>

#include "check.h"
#include "norms.h"

namespace {

using namespace example;

template <class T, class Norm>
Matrix<T> model(const std::vector<Layer<T>> &layers, const NormWeights<T> &last, const Matrix<T> &x, Norm norm) {
    Normed<T> h = norm(layers.front().attention_norm, x);
    for (size_t i = 0; i < layers.size(); i++) {
        const Matrix<T> attended = attention(layers[i], h.y);
        h = norm(layers[i].ffn_norm, attended, &h.sum);
        const Matrix<T> fed = feed_forward(layers[i], h.y);
        h = norm(i + 1 < layers.size() ? layers[i + 1].attention_norm : last, fed, &h.sum);
    }
    return h.y;
}

}  // namespace

int main() {
    std::mt19937 random(1);
    const Matrix<double> x = random_matrix(random, tokens, hidden, 0, 1);
    const std::vector<Layer<double>> layers = {random_layer(random), random_layer(random)};
    const NormWeights<double> last = random_layer(random).ffn_norm;
    const norma_op op = NORMA_RMS_NORM_FORWARD;

    const std::vector<Layer<float>> float_layers = {to_float(layers[0]), to_float(layers[1])};
    const Matrix<float> y = model(float_layers, to_float(last), Matrix<float>(x.cast<float>()), Norma(op, hidden));
    return compare("two pre-norm layers with RMSNorm", y, model(layers, last, x, Formula(op)));
}
