// SPDX-License-Identifier: MIT
// A post-norm layer (BERT): x = norm(x + attention(x)), then norm(x + feed_forward(x)).
#include "check.h"
#include "norms.h"

namespace {

using namespace example;

template <class T, class Norm>
Matrix<T> model(const Layer<T> &layer, const NormWeights<T> &embedding, const Matrix<T> &tokens_in, Norm norm) {
    const Matrix<T> x = norm(embedding, tokens_in).y;
    const Matrix<T> attended = norm(layer.attention_norm, attention(layer, x), &x).y;
    return norm(layer.ffn_norm, feed_forward(layer, attended), &attended).y;
}

}  // namespace

int main() {
    std::mt19937 random(2);
    const Matrix<double> x = random_matrix(random, tokens, hidden, 0.5, 1);
    const Layer<double> layer = random_layer(random);
    const NormWeights<double> embedding = random_layer(random).ffn_norm;
    const norma_op op = NORMA_LAYER_NORM_FORWARD;

    const Matrix<float> y =
        model(to_float(layer), to_float(embedding), Matrix<float>(x.cast<float>()), Norma(op, hidden));
    return compare("a post-norm layer with LayerNorm", y, model(layer, embedding, x, Formula(op)));
}
