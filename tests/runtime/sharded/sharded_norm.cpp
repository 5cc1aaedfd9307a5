// SPDX-License-Identifier: MIT
#include "sharded_norm.h"

#include <numeric>
#include <sstream>
#include <stdexcept>

#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/cuda_device.h"
#include "tests/support/kernels.h"
#include "tools/reference/reference_backward.h"

namespace norma::test {
namespace {

size_t size_of(norma_dtype dtype) { return dtype == NORMA_F32 ? 4 : dtype == NORMA_I8 ? 1 : 2; }

constexpr float given_scale = 0.03F;  // of the tensor: the largest values saturate

template <typename T>
void append_as(std::string &bytes, double value) {
    const T element = static_cast<T>(static_cast<float>(value));
    bytes.append(reinterpret_cast<const char *>(&element), sizeof element);
}

std::string stored(norma_dtype dtype, const reference::Values &values) {
    std::string bytes;
    for (double value : values) {
        dtype == NORMA_F16    ? append_as<Eigen::half>(bytes, value)
        : dtype == NORMA_BF16 ? append_as<Eigen::bfloat16>(bytes, value)
                              : append_as<float>(bytes, value);
    }
    return bytes;
}

}  // namespace

int64_t ShardedSpec::hidden() const { return std::accumulate(slices.begin(), slices.end(), int64_t{0}); }

int64_t ShardedSpec::rows() const {
    return std::accumulate(outer.begin(), outer.end(), int64_t{1}, std::multiplies<>());
}

std::string ShardedSpec::text() const {
    std::ostringstream out;
    out << "op " << op << ", dtype " << dtype << ", " << rows() << " " << name(rows_of) << " rows of " << hidden()
        << " on " << slices.size() << " ranks, chunk " << chunk << ", block " << block << ", kind " << kind << ", eps "
        << eps;
    return out.str();
}

std::vector<int64_t> even(int64_t hidden, int32_t count) {
    return std::vector<int64_t>(static_cast<size_t>(count), hidden / count);
}

ShardedNorm::ShardedNorm(const ShardedSpec &given) : spec(given) {
    const int64_t hidden = spec.hidden();
    auto vector = [&](int role, double around, double size) {
        reference::Values values(static_cast<size_t>(hidden));
        for (size_t d = 0; d < values.size(); d++) {
            values[d] = around + size * normal_sample(mix(static_cast<uint64_t>(role), 5) + d);
        }
        return Tensor{stored(spec.dtype, values), spec.dtype};
    };
    auto activation = [&](RowKind kind, int role) {
        Tensor tensor{"", spec.dtype};
        for (int64_t row = 0; row < spec.rows(); row++) {
            tensor.bytes += stored(spec.dtype, row_values(kind, spec.dtype, hidden, row, role));
        }
        return tensor;
    };
    const size_t element = size_of(spec.dtype), all = static_cast<size_t>(spec.rows() * hidden) * element;
    x_ = activation(spec.rows_of, 0);
    weight_ = vector(1, 1, 0.3);
    y_ = {std::string(all, '\x55'), spec.dtype};
    if (spec.y != NORMA_NONE) {
        y_ = {std::string(static_cast<size_t>(spec.rows() * hidden) * size_of(spec.y), '\x55'), spec.y};
    }
    if (spec.residual) {
        residual_ = activation(RowKind::normal, 3);
        residual_out_ = {std::string(all, '\x55'), spec.dtype};
    }
    for (const int64_t slice : spec.slices) {
        const bool one = spec.scale == NORMA_SCALE_TENSOR || spec.scale == NORMA_SCALE_NONE;
        const int64_t groups = spec.scale == NORMA_SCALE_GROUP_128 ? slice / 128 : 1;
        y_scale_.emplace_back(static_cast<size_t>(one ? 1 : spec.rows() * groups), one ? given_scale : 7);
    }
    mean_.assign(spec.slices.size(), std::vector<float>(static_cast<size_t>(spec.rows()), 7));
    rstd_ = mean_;
    if (spec.backward()) {
        dy_ = activation(RowKind::normal, 8);
        dweight_ = {std::string(static_cast<size_t>(hidden) * element, '\x55'), spec.dtype};
        dbias_ = spec.layer_norm() ? dweight_ : Tensor();
        for (int64_t row = 0; row < spec.rows(); row++) {  // as the forward saves them
            reference::Options options;
            options.eps = static_cast<double>(spec.eps);
            const reference::Values x = this->row(x_, row);
            const reference::Row saved =
                spec.layer_norm() ? reference::layer_norm(x, options) : reference::rms_norm(x, options);
            for (size_t rank = 0; rank < mean_.size(); rank++) {
                mean_[rank][static_cast<size_t>(row)] = static_cast<float>(saved.mean);
                rstd_[rank][static_cast<size_t>(row)] = static_cast<float>(saved.rstd);
            }
        }
    } else if (spec.layer_norm()) {
        bias_ = vector(2, 0, 0.2);
    }
    before_ = bytes();
}

norma_sharded_desc ShardedNorm::describe(int32_t rank) const {
    norma_sharded_desc desc = {};
    desc.size = sizeof desc;
    desc.norm.size = sizeof desc.norm;
    desc.norm.op = spec.op;
    desc.norm.hidden = spec.slices[static_cast<size_t>(rank)];
    desc.norm.device.type = spec.device;
    desc.norm.x = desc.norm.weight = spec.dtype;
    desc.norm.y = spec.y;
    desc.norm.scale = spec.scale;
    desc.norm.residual = spec.residual ? spec.dtype : NORMA_NONE;
    desc.norm.bias = spec.layer_norm() ? spec.dtype : NORMA_NONE;
    desc.norm.flags = spec.backward() ? 0 : NORMA_SAVE_STATISTICS;
    desc.rank = rank;
    desc.ranks = static_cast<int32_t>(spec.slices.size());
    desc.slices = spec.slices.data();
    desc.chunk = spec.chunk;
    desc.block = spec.block;
    desc.kind = spec.kind;
    return desc;
}

norma_tensor ShardedNorm::columns(Tensor &tensor, int32_t rank, bool has_rows) const {
    norma_tensor view = {};
    if (tensor.dtype == NORMA_NONE) {
        return view;
    }
    const int64_t first = std::accumulate(spec.slices.begin(), spec.slices.begin() + rank, int64_t{0});
    view.data = tensor.bytes.data() + static_cast<size_t>(first) * size_of(tensor.dtype);
    view.dtype = tensor.dtype;
    view.device.type = spec.device;
    view.rank = has_rows ? static_cast<int32_t>(spec.outer.size()) + 1 : 1;
    view.shape[view.rank - 1] = spec.slices[static_cast<size_t>(rank)];
    view.strides[view.rank - 1] = 1;
    int64_t stride = spec.hidden();
    for (int32_t d = view.rank - 2; d >= 0; d--) {
        view.shape[d] = spec.outer[static_cast<size_t>(d)];
        view.strides[d] = stride;
        stride *= view.shape[d];
    }
    return view;
}

norma_tensor ShardedNorm::statistic(std::vector<float> &values) const {
    norma_tensor view = {values.data(), NORMA_F32, {spec.device, 0}, static_cast<int32_t>(spec.outer.size()), {}, {}};
    int64_t stride = 1;
    for (int32_t d = view.rank - 1; d >= 0; d--) {
        view.shape[d] = spec.outer[static_cast<size_t>(d)];
        view.strides[d] = stride;
        stride *= view.shape[d];
    }
    return view;
}

// One for all, one for each row, or for each group of a row.
norma_tensor ShardedNorm::scales(int32_t rank) {
    std::vector<float> &values = y_scale_[static_cast<size_t>(rank)];
    if (spec.scale == NORMA_SCALE_TENSOR) {
        return {values.data(), NORMA_F32, {spec.device, 0}, 0, {}, {}};
    }
    norma_tensor view = statistic(values);
    if (spec.scale == NORMA_SCALE_GROUP_128) {
        const int64_t groups = spec.slices[static_cast<size_t>(rank)] / 128;
        for (int32_t d = 0; d < view.rank; d++) {
            view.strides[d] *= groups;
        }
        view.shape[view.rank] = groups;
        view.strides[view.rank++] = 1;
    }
    return view;
}

norma_status ShardedNorm::run_rank(Ranks &ranks, int32_t rank, const Change &change) {
    const norma_sharded_desc desc = describe(rank);
    norma_sharded_plan *plan = nullptr;
    norma_arguments arguments = {};
    norma_execution execution = {};
    arguments.size = sizeof arguments;
    arguments.eps = spec.eps;
    arguments.x = columns(x_, rank, true);
    arguments.weight = columns(weight_, rank, false);
    arguments.bias = columns(bias_, rank, false);
    arguments.rstd = statistic(rstd_[static_cast<size_t>(rank)]);
    if (spec.layer_norm()) {
        arguments.mean = statistic(mean_[static_cast<size_t>(rank)]);
    }
    if (spec.backward()) {
        arguments.dy = columns(dy_, rank, true);
        arguments.dx = columns(y_, rank, true);
        arguments.dweight = columns(dweight_, rank, false);
        arguments.dbias = columns(dbias_, rank, false);
    } else {
        arguments.y = columns(y_, rank, true);
        arguments.residual = columns(residual_, rank, true);
        arguments.residual_out = columns(residual_out_, rank, true);
        arguments.y_scale = spec.scale == NORMA_SCALE_NONE ? norma_tensor() : scales(rank);
    }
    execution.size = sizeof execution;
    execution.threads = 1;
    norma_status status = norma_sharded_plan_create(&desc, &plan);
    size_t bytes = 0;
    status = status ? status : norma_sharded_workspace_size(plan, spec.rows(), 1, &bytes);
    std::vector<std::max_align_t> memory((bytes + 64) / sizeof(std::max_align_t) + 1);
    execution.workspace = reinterpret_cast<void *>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
    execution.workspace_size = bytes;
    if (change) {
        change(rank, arguments, execution);
    }
    const bool on_device = spec.device == NORMA_CUDA;
    if (on_device) {
        use_cuda();
        share_with_cuda(execution.workspace, bytes);
    }
    void *const to = communicator ? communicator(rank) : &ranks;
    status = status ? status : norma_sharded_run(plan, &arguments, &execution, exchange, to);
    if (on_device) {
        unshare_with_cuda(execution.workspace);
    }
    messages[static_cast<size_t>(rank)] = status ? norma_last_error() : "";
    norma_sharded_plan_destroy(plan);
    return status;
}

std::vector<norma_status> ShardedNorm::run(Ranks &ranks, const Change &change) {
    std::vector<norma_status> statuses(spec.slices.size());
    messages.assign(spec.slices.size(), "");
    for (const auto &[begin, bytes] : memory()) {
        share_with_cuda(begin, bytes);
    }
    ranks.run([&](int32_t rank) { statuses[static_cast<size_t>(rank)] = run_rank(ranks, rank, change); });
    for (const auto &[begin, bytes] : memory()) {
        unshare_with_cuda(begin);
    }
    return statuses;
}

std::vector<std::pair<void *, size_t>> ShardedNorm::memory() {
    std::vector<std::pair<void *, size_t>> all;
    if (spec.device != NORMA_CUDA) {
        return all;
    }
    for (Tensor *tensor : {&x_, &residual_, &dy_, &weight_, &bias_, &y_, &residual_out_, &dweight_, &dbias_}) {
        if (!tensor->bytes.empty()) {
            all.emplace_back(tensor->bytes.data(), tensor->bytes.size());
        }
    }
    for (auto *of_ranks : {&mean_, &rstd_, &y_scale_}) {
        for (std::vector<float> &values : *of_ranks) {
            all.emplace_back(values.data(), values.size() * sizeof(float));
        }
    }
    return all;
}

void ShardedNorm::run() {
    Ranks ranks(static_cast<int32_t>(spec.slices.size()));
    for (const norma_status status : run(ranks)) {
        if (status != NORMA_OK) {
            throw std::runtime_error(spec.text() + ": " + messages[0]);
        }
    }
}

std::string ShardedNorm::bytes(bool with_statistics) const {
    std::string all = y_.bytes + residual_out_.bytes + dweight_.bytes + dbias_.bytes;
    for (size_t rank = 0; with_statistics && rank < mean_.size(); rank++) {
        for (const auto *values : {&mean_[rank], &rstd_[rank]}) {
            all.append(reinterpret_cast<const char *>(values->data()), values->size() * sizeof(float));
        }
    }
    return all;
}

bool ShardedNorm::untouched() const { return bytes() == before_; }

bool ShardedNorm::is_nan(int32_t rank) const {
    const int64_t first = std::accumulate(spec.slices.begin(), spec.slices.begin() + rank, int64_t{0});
    bool all = true;
    for (int64_t r = 0; r < spec.rows(); r++) {
        const reference::Values y = row(y_, r);
        for (int64_t d = first; d < first + spec.slices[static_cast<size_t>(rank)]; d++) {
            all = all && std::isnan(y[static_cast<size_t>(d)]);
        }
    }
    return all;
}

reference::Values ShardedNorm::row(const Tensor &tensor, int64_t row) const {
    const size_t bytes = static_cast<size_t>(spec.hidden()) * size_of(tensor.dtype);
    return reference::load(tensor.dtype, tensor.bytes.data() + static_cast<size_t>(row) * bytes, spec.hidden());
}

std::string ShardedNorm::check(double ulps) const {
    for (size_t rank = 1; rank < mean_.size(); rank++) {
        if (mean_[rank] != mean_[0] || rstd_[rank] != rstd_[0]) {
            return "ranks have different statistics";
        }
    }
    return spec.backward() ? check_backward(ulps) : check_forward(ulps);
}

reference::Values ShardedNorm::input(int64_t row) const {
    const reference::Values x = this->row(x_, row);
    return spec.residual ? reference::add_residual(spec.dtype, x, this->row(residual_, row)) : x;
}

// Each element is the nearest step but where float64 is that close to a tie; a scale that is found is that of the
// slice, or of its group.
std::string ShardedNorm::check_quantized(int64_t row, const reference::Row &expected) const {
    const reference::Values got = this->row(y_, row);
    size_t element = 0;
    for (size_t rank = 0; rank < spec.slices.size(); rank++) {
        const auto slice = static_cast<size_t>(spec.slices[rank]);
        const size_t group = spec.scale == NORMA_SCALE_GROUP_128 ? 128 : slice;
        for (size_t i = 0; i < slice / group; i++) {
            const bool given = spec.scale == NORMA_SCALE_TENSOR;
            const size_t at = given ? 0 : static_cast<size_t>(row) * (slice / group) + i;
            const double scale = static_cast<double>(y_scale_[rank][at]);
            double largest = 0;
            for (size_t d = element; d < element + group; d++) {
                largest = std::max(largest, std::fabs(expected.y[d]));
            }
            if (!given && std::fabs(scale - largest / 127) > 1e-5 * scale) {
                return mismatch_text("y_scale", row, {static_cast<int64_t>(rank), scale, largest / 127, 1e-5 * scale});
            }
            for (size_t d = element; d < element + group; d++) {
                const double steps = std::max(-127.0, std::min(127.0, expected.y[d] / scale));
                if (std::fabs(got[d] - steps) > 0.501) {
                    return mismatch_text("y", row, {static_cast<int64_t>(d), got[d], steps, 0.501});
                }
            }
            element += group;
        }
    }
    return "";
}

std::string ShardedNorm::check_forward(double ulps) const {
    reference::Options options;
    options.eps = static_cast<double>(spec.eps);
    options.weight = row(weight_, 0);
    options.bias = bias_.dtype ? row(bias_, 0) : reference::Values();
    for (int64_t r = 0; r < spec.rows(); r++) {
        const reference::Values x = input(r);
        const reference::Row expected =
            spec.layer_norm() ? reference::layer_norm(x, options) : reference::rms_norm(x, options);
        const RowJudge judge({spec.op, spec.dtype, spec.dtype, NORMA_FP32_ONCE, ulps}, options, expected);
        if (spec.scale != NORMA_SCALE_NONE) {
            if (const std::string problem = check_quantized(r, expected); !problem.empty()) {
                return problem;
            }
        } else if (const auto mismatch = judge.first_mismatch(row(y_, r))) {
            return mismatch_text("y", r, *mismatch);
        }
        if (spec.residual && row(residual_out_, r) != x) {
            return "residual_out of row " + std::to_string(r) + " is not x + residual";
        }
        const double rstd = static_cast<double>(rstd_[0][static_cast<size_t>(r)]);
        if (std::fabs(rstd - expected.rstd) > ulps * reference::ulp(NORMA_F32, expected.rstd)) {
            return mismatch_text("rstd", r, {0, rstd, expected.rstd, ulps});
        }
    }
    return "";
}

std::string ShardedNorm::check_backward(double ulps) const {
    reference::Backward options;
    options.centred = spec.layer_norm();
    options.weight = row(weight_, 0);
    reference::Values dweight(static_cast<size_t>(spec.hidden())), dbias(dweight), size(dweight);
    for (int64_t r = 0; r < spec.rows(); r++) {
        const reference::Values x = row(x_, r), dx = row(y_, r);
        const double mean = options.centred ? static_cast<double>(mean_[0][static_cast<size_t>(r)]) : 0;
        const reference::RowGradients expected =
            reference::backward(x, row(dy_, r), mean, static_cast<double>(rstd_[0][static_cast<size_t>(r)]), options);
        for (size_t i = 0; i < dx.size(); i++) {
            const double tolerance = 2 * ulps * 0x1p-23 * expected.scale;
            if (!acceptable(spec.dtype, dx[i], expected.dx[i], tolerance)) {
                return mismatch_text("dx", r, {static_cast<int64_t>(i), dx[i], expected.dx[i], tolerance});
            }
            dweight[i] += expected.dweight[i];
            dbias[i] += expected.dbias[i];
            size[i] += std::fabs(expected.dweight[i]) + std::fabs(expected.dbias[i]);
        }
    }
    for (const auto &[tensor, sums] : {std::pair(&dweight_, &dweight), std::pair(&dbias_, &dbias)}) {
        const reference::Values got = tensor->dtype ? row(*tensor, 0) : *sums;
        for (size_t i = 0; i < got.size(); i++) {
            if (!acceptable(spec.dtype, got[i], (*sums)[i], 4 * ulps * 0x1p-23 * size[i]) && tensor->dtype) {
                return mismatch_text(tensor == &dweight_ ? "dweight" : "dbias", -1,
                                     {static_cast<int64_t>(i), got[i], (*sums)[i], size[i]});
            }
        }
    }
    return "";
}

std::string check_on_ranks(ShardedSpec spec, int64_t hidden, const std::vector<int32_t> &counts) {
    spec.slices = {hidden};
    ShardedNorm whole(spec);
    whole.run();
    INFO(spec.text());
    CHECK(whole.check(4) == "");
    for (const int32_t ranks : counts) {
        spec.slices = even(hidden, ranks);
        ShardedNorm sharded(spec);
        sharded.run();
        INFO(spec.text());
        CHECK((sharded.bytes(false) == whole.bytes(false)));
        CHECK(sharded.check(4) == "");
    }
    return whole.bytes(false);
}

}  // namespace norma::test
