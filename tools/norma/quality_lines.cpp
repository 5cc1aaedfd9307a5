// SPDX-License-Identifier: MIT
#include "quality_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <norma/norma.hpp>

#include "commands.h"
#include "low_precision.h"
#include "runtime/vocabulary/legality.h"

namespace norma::tool {

namespace {

using reference::Values;

class Judge {
public:
    Judge(const Layer &layer, norma_op op, double eps) : layer_(layer), op_(op) {
        options_.eps = eps;
        options_.weight = layer.weight.row(0, layer.hidden);
        options_.bias = layer.bias.row(0, layer.hidden);
        for (int64_t row = 0; row < layer.rows; row++) {
            const Values x = layer.x.row(row, layer.hidden);
            const Values y = (centred() ? reference::layer_norm(x, options_) : reference::rms_norm(x, options_)).y;
            expected_.insert(expected_.end(), y.begin(), y.end());
        }
        for (size_t i = 0; i < expected_.size(); i++) {
            if (!std::isfinite(expected_[i])) {
                throw InputError(fmt::format("row {} of x has no finite norm; expected finite x, weight and bias",
                                             static_cast<int64_t>(i) / layer.hidden));
            }
            largest_ = std::max(largest_, std::fabs(expected_[i]));
        }
    }

    double largest() const { return largest_; }

    // Of the library's kernel.
    QualityLine kernel(norma_dtype dtype, norma_scale scale) const {
        const int32_t group = group_size(scale);
        const int32_t zero_point = dtype == NORMA_U8 ? 128 : 0;
        norma_plan_desc desc = describe(op_, layer_.hidden, layer_.x.dtype, layer_.weight.dtype, layer_.bias.dtype);
        desc.y = dtype;
        desc.scale = scale;
        const Plan plan(desc);

        const int64_t groups = group == 0 ? 1 : layer_.hidden / group;  // of a row
        std::vector<char> y(expected_.size() * static_cast<size_t>(dtype_size(dtype)));
        std::vector<float> y_scale(scale >= NORMA_SCALE_ROW ? static_cast<size_t>(layer_.rows * groups) : 1, 1);
        norma_arguments arguments = norma::arguments(static_cast<float>(options_.eps));
        arguments.x = placed(layer_.x, {layer_.rows, layer_.hidden});
        arguments.weight = placed(layer_.weight, {layer_.hidden});
        arguments.bias = placed(layer_.bias, {layer_.hidden});
        arguments.y = tensor(y.data(), dtype, {layer_.rows, layer_.hidden});
        arguments.y_zero_point = zero_point;
        if (scale == NORMA_SCALE_TENSOR) {  // as calibrated on these very values
            const double most = dtype == NORMA_U8 ? 255 - zero_point : reference::format(dtype).largest;
            y_scale[0] = largest_ > 0 ? static_cast<float>(largest_ / most) : 1;
            arguments.y_scale = tensor(y_scale.data(), {});
        } else if (group != 0) {
            arguments.y_scale = tensor(y_scale.data(), {layer_.rows, groups});
        } else if (scale == NORMA_SCALE_ROW) {
            arguments.y_scale = tensor(y_scale.data(), {layer_.rows});
        }
        Workspace workspace;
        plan.run(arguments, norma::execution(), workspace);

        Values got = reference::load(dtype, y.data(), static_cast<int64_t>(expected_.size()));
        const size_t per_scale = got.size() / y_scale.size();
        for (size_t i = 0; i < got.size(); i++) {
            got[i] = (got[i] - zero_point) * static_cast<double>(y_scale[i / per_scale]);
        }
        return judged({dtype_name(dtype), scale_words.name(scale), "norma", 0, 0, plan.kernel()}, got);
    }

    // All in float64 but the statistics.
    QualityLine low_precision(const LowPrecision &precision) const {
        Values got;
        for (int64_t row = 0; row < layer_.rows; row++) {
            const Values x = layer_.x.row(row, layer_.hidden);
            const Statistics statistics = precision.statistics(x, centred());
            const double rstd = 1 / std::sqrt(statistics.variance + options_.eps);
            for (size_t d = 0; d < x.size(); d++) {
                got.push_back(reference::affine(options_, d, (x[d] - statistics.mean) * rstd));
            }
        }
        return judged({"f64", "none", precision.name, 0, 0, ""}, got);
    }

private:
    bool centred() const { return op_ == NORMA_LAYER_NORM_FORWARD; }

    static norma_tensor placed(const Data &data, std::initializer_list<Extent> shape) {
        return data.dtype == NORMA_NONE ? norma_tensor{} : tensor(data.bytes.data(), data.dtype, shape);
    }

    QualityLine judged(QualityLine line, const Values &got) const {
        double signal = 0, noise = 0;
        for (size_t i = 0; i < got.size(); i++) {
            const double error = std::fabs(got[i] - expected_[i]);
            signal += expected_[i] * expected_[i];
            noise += error * error;
            line.largest_error = std::isnan(noise) ? NAN : std::max(line.largest_error, error);
        }
        line.snr = std::isnan(noise) ? NAN : noise == 0 ? INFINITY : 10 * std::log10(signal / noise);
        return line;
    }

    const Layer &layer_;
    norma_op op_;
    reference::Options options_;
    Values expected_;
    double largest_ = 0;
};

}  // namespace

Quality quality_of(const Layer &layer, norma_op op, double eps) {
    const Judge judge(layer, op, eps);
    Quality quality{judge.largest(), {}, {}};
    for (const DtypeInfo &info : dtype_infos) {
        for (const Word &word : scale_words) {
            const norma_dtype dtype = info.dtype;
            const norma_scale scale = static_cast<norma_scale>(word.value);
            Variant variant;
            variant.op = op;
            variant.y = dtype;
            variant.scale = scale;
            if (!info.of_y || !is_legal(variant, nullptr)) {
                continue;
            }
            auto leave_out = [&](const std::string &why) { quality.left_out.push_back({info.name, word.name, why}); };
            if (group_size(scale) != 0 && layer.hidden % group_size(scale) != 0) {
                leave_out(fmt::format("the hidden size {} is not whole groups", layer.hidden));
                continue;
            }
            try {
                quality.lines.push_back(judge.kernel(dtype, scale));
            } catch (const Error &error) {
                if (error.status() != NORMA_NOT_IN_LIBRARY) {
                    throw;
                }
                leave_out("not in this library");
            }
        }
    }
    for (const LowPrecision &precision : low_precisions) {
        if (op == NORMA_LAYER_NORM_FORWARD || !precision.layer_norm_only) {
            quality.lines.push_back(judge.low_precision(precision));
        }
    }
    return quality;
}

}  // namespace norma::tool
