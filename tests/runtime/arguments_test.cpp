// SPDX-License-Identifier: MIT
// What norma_plan_run and norma_bind refuse: the message names the argument, and nothing is written.
#include <climits>
#include <cmath>
#include <functional>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/forged.h"

namespace {

using namespace norma::test;

const norma_status invalid = NORMA_INVALID_ARGUMENT;

// layer_norm with every tensor there is.
CallSpec full_spec() {
    CallSpec spec;
    spec.kernel = find_kernel(NORMA_LAYER_NORM_FORWARD, NORMA_F32, NORMA_F32, NORMA_F32, NORMA_F32);
    spec.hidden = 100;
    spec.outer = {3, 4};
    return spec;
}

CallSpec full_backward_spec() {
    CallSpec spec = full_spec();
    spec.kernel = find_kernel(NORMA_LAYER_NORM_BACKWARD, NORMA_F32, NORMA_F32, NORMA_F32, NORMA_F32);
    return spec;
}

// rms_norm with a scale for each row, or one that is given.
CallSpec quantized_spec(norma_scale scale, norma_dtype x = NORMA_I8, norma_dtype y = NORMA_I8) {
    CallSpec spec = full_spec();
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        if (kernel.op == NORMA_RMS_NORM_FORWARD && kernel.x == x && kernel.y == y && kernel.scale == scale &&
            kernel.y_float == NORMA_NONE && kernel.residual == NORMA_NONE && kernel.hidden_multiple == 1) {
            spec.kernel = kernel;
        }
    }
    return spec;
}

class Prepared {
public:
    explicit Prepared(const CallSpec &spec) : call(spec) {
        require_ok(norma_plan_create(&call.desc, &plan_), spec.text());
        size_t bytes = 0;
        require_ok(norma_plan_workspace_size(plan_, spec.rows(), spec.threads, &bytes), spec.text());
        call.give_workspace(bytes);
    }
    ~Prepared() { norma_plan_destroy(plan_); }
    Prepared(const Prepared &) = delete;
    Prepared &operator=(const Prepared &) = delete;

    norma_status run() { return norma_plan_run(plan_, &call.arguments, &call.execution); }

    // The same in two steps. What memory holds is looked at in the second one alone.
    norma_status bind_and_run() {
        norma_call *bound = reinterpret_cast<norma_call *>(this);
        norma_status status = norma_bind(plan_, &call.arguments, &call.execution, &bound);
        CHECK((status == NORMA_OK) == (bound != nullptr));
        if (status == NORMA_OK) {
            status = norma_call_run(bound, call.spec.rows());
        }
        norma_call_destroy(bound);
        return status;
    }

    void check_refused(const std::string &words) {
        const norma_status status = run();
        INFO("status " << status << ": " << norma_last_error() << "; expected " << words);
        CHECK(status == invalid);
        const std::string message = norma_last_error();
        CHECK(message.find(words) != std::string::npos);
        CHECK(bind_and_run() == status);
        CHECK(norma_last_error() == message);
        CHECK(call.untouched());
    }

    void check_runs() {
        require_ok(run(), call.spec.text());
        CHECK(call.check() == "");
        call.restore();
        require_ok(bind_and_run(), call.spec.text());
        CHECK(call.check() == "");
    }

    norma_tensor &tensor(int role) { return call.arguments.*roles[role].tensor; }

    Call call;

private:
    norma_plan *plan_ = nullptr;
};

struct TensorRefusal {
    const char *words;  // after the tensor's name
    std::function<bool(const CallSpec &spec, int role)> applies;
    std::function<void(norma_tensor &)> change;
};

bool always(const CallSpec &, int) { return true; }
bool has_rows(const CallSpec &, int role) { return roles[role].kind != Role::vector; }
bool has_hidden(const CallSpec &, int role) { return roles[role].kind != Role::statistic; }
bool has_rows_not_x(const CallSpec &spec, int role) { return has_rows(spec, role) && role != role_x; }
bool is_output(const CallSpec &spec, int role) { return spec.is_output(role) && has_rows(spec, role); }
bool is_wide_output(const CallSpec &spec, int role) { return is_output(spec, role) && has_hidden(spec, role); }
bool is_not_x(const CallSpec &, int role) { return role != role_x; }
void *moved(void *data, int64_t bytes) { return static_cast<char *>(data) + bytes; }

const TensorRefusal tensor_refusals[] = {
    {".dtype is 3 (bf16); expected f32", always, [](auto &t) { t.dtype = NORMA_BF16; }},
    {".dtype is 0 (none); expected f32", always, [](auto &t) { t.dtype = NORMA_NONE; }},
    {".dtype is 44 (unknown); expected f32", always, [](auto &t) { t.dtype = forged<norma_dtype>(44); }},
    {".device.type is 2", always, [](auto &t) { t.device.type = NORMA_CUDA; }},
    {".device.id is 3", always, [](auto &t) { t.device.id = 3; }},
    {".data is null", always, [](auto &t) { t.data = nullptr; }},
    {".data is 0x", always, [](auto &t) { t.data = moved(t.data, -2); }},
    {".rank is -1", always, [](auto &t) { t.rank = -1; }},
    {".rank is -2147483648", always, [](auto &t) { t.rank = INT32_MIN; }},
    {".rank is 2147483647", always, [](auto &t) { t.rank = INT32_MAX; }},
    {".rank is 5", always, [](auto &t) { t.rank = 5; }},
    {".rank is ", is_not_x, [](auto &t) { t.rank++; }},
    {".rank is ", is_not_x, [](auto &t) { t.rank--; }},
    {".shape[0] is 2; expected 3", has_rows_not_x, [](auto &t) { t.shape[0] = 2; }},
    {".shape[1] is 5; expected 4", has_rows_not_x, [](auto &t) { t.shape[1] = 5; }},
    {".shape[0] is -3", has_rows, [](auto &t) { t.shape[0] = -3; }},
    {" is 99; expected hidden (100)", has_hidden, [](auto &t) { t.shape[t.rank - 1] = 99; }},
    {" is 2; expected 1", has_hidden, [](auto &t) { t.strides[t.rank - 1] = 2; }},
    {" is 0; expected 1", has_hidden, [](auto &t) { t.strides[t.rank - 1] = 0; }},
    {".strides[0] is -400", has_rows, [](auto &t) { t.strides[0] = -400; }},
    {".strides[1] is -1", has_rows, [](auto &t) { t.strides[1] = -1; }},
    {".strides[1] is 0", is_output, [](auto &t) { t.strides[1] = 0; }},
    {".strides[0] is 0", is_output, [](auto &t) { t.strides[0] = 0; }},
    {".strides[", is_wide_output, [](auto &t) { t.strides[1] = 99; }},
    {".strides[", is_output, [](auto &t) { t.strides[0] = t.strides[1] * 4 - 1; }},
    {": its shape and strides reach beyond", has_rows, [](auto &t) { t.strides[0] = INT64_MAX / 2; }},
    {": its shape and strides reach beyond", has_rows, [](auto &t) { t.strides[0] = INT64_MAX / 8; }},
};

struct Refusal {
    const char *words;
    std::function<void(Call &)> change;
};

const float inf = INFINITY;

const Refusal refusals[] = {
    {"arguments.size is 0", [](Call &c) { c.arguments.size = 0; }},
    {"arguments.size is ", [](Call &c) { c.arguments.size--; }},
    {"eps is -1", [](Call &c) { c.arguments.eps = -1; }},
    {"eps is -1e-30", [](Call &c) { c.arguments.eps = -1e-30F; }},
    {"eps is nan", [](Call &c) { c.arguments.eps = NAN; }},
    {"eps is inf", [](Call &c) { c.arguments.eps = inf; }},
    {"weight_offset is nan", [](Call &c) { c.arguments.weight_offset = NAN; }},
    {"weight_offset is -inf", [](Call &c) { c.arguments.weight_offset = -inf; }},
    {"execution.size is 3", [](Call &c) { c.execution.size = 3; }},
    {"execution.threads is -2", [](Call &c) { c.execution.threads = -2; }},
    {"execution.store is 3", [](Call &c) { c.execution.store = forged<norma_store>(3); }},
    {"execution.store is -1", [](Call &c) { c.execution.store = forged<norma_store>(-1); }},
    {"execution.workspace is null", [](Call &c) { c.execution.workspace = nullptr; }},
    {"execution.workspace_size is ", [](Call &c) { c.execution.workspace_size--; }},
    {"execution.workspace is 0x", [](Call &c) { c.execution.workspace = moved(c.execution.workspace, -32); }},
    {"expected fewer than 2^63 rows",
     [](Call &c) { c.arguments.x.shape[0] = c.arguments.x.shape[1] = int64_t{1} << 40; }},
};

// Tensors that share memory, while their own shapes and strides are fine.
const Refusal overlaps[] = {
    {"expected a plan with NORMA_Y_IN_PLACE", [](Call &c) { c.arguments.y = c.arguments.x; }},
    {"expected a plan with NORMA_RESIDUAL_OUT_IN_PLACE",
     [](Call &c) { c.arguments.residual_out = c.arguments.residual; }},
    {"overlaps x", [](Call &c) { c.arguments.residual_out.data = c.arguments.x.data; }},
    {"overlaps residual", [](Call &c) { c.arguments.y.data = c.arguments.residual.data; }},
    {"overlaps residual", [](Call &c) { c.arguments.y.data = moved(c.arguments.residual.data, 396); }},
    {"overlaps weight", [](Call &c) { c.arguments.y.data = moved(c.arguments.weight.data, -4 * 1196); }},
    {"overlaps bias", [](Call &c) { c.arguments.mean.data = c.arguments.bias.data; }},
    {"overlaps y", [](Call &c) { c.arguments.residual_out.data = c.arguments.y.data; }},
    {"overlaps y", [](Call &c) { c.arguments.mean.data = moved(c.arguments.y.data, 400); }},
    {"overlaps mean", [](Call &c) { c.arguments.rstd.data = c.arguments.mean.data; }},
    {"overlaps mean", [](Call &c) { c.arguments.rstd.data = moved(c.arguments.mean.data, 44); }},
};

const Refusal backward_overlaps[] = {
    {"overlaps x", [](Call &c) { c.arguments.dx.data = c.arguments.x.data; }},
    {"overlaps dy", [](Call &c) { c.arguments.dx = c.arguments.dy; }},
    {"overlaps dy", [](Call &c) { c.arguments.dx.data = moved(c.arguments.dy.data, 396); }},
    {"expected a plan with NORMA_DX_IN_PLACE", [](Call &c) { c.arguments.dx = c.arguments.d_residual; }},
    {"overlaps mean", [](Call &c) { c.arguments.dx.data = moved(c.arguments.mean.data, -4 * 1199); }},
    {"overlaps weight", [](Call &c) { c.arguments.dweight.data = c.arguments.weight.data; }},
    {"overlaps dx", [](Call &c) { c.arguments.dweight.data = c.arguments.dx.data; }},
    {"overlaps dweight", [](Call &c) { c.arguments.dbias.data = c.arguments.dweight.data; }},
};

}  // namespace

TEST_CASE("a tensor that does not fit is refused by name", "[arguments]") {
    for (const CallSpec &spec : {full_spec(), full_backward_spec()}) {
        for (int role = 0; role < role_count; role++) {
            for (const TensorRefusal &refusal : tensor_refusals) {
                Prepared prepared(spec);
                if (prepared.tensor(role).dtype != NORMA_NONE && refusal.applies(spec, role)) {
                    refusal.change(prepared.tensor(role));
                    const std::string field = refusal.words[0] == ' ' ? "" : refusal.words;
                    prepared.check_refused(roles[role].name + field);
                    CHECK(std::string(norma_last_error()).find(refusal.words) != std::string::npos);
                }
            }
        }
    }
}

TEST_CASE("statistics may keep the last dimension, with one element", "[arguments]") {
    const std::pair<CallSpec, std::vector<int>> calls[] = {
        {full_spec(), {role_mean, role_rstd}},
        {full_backward_spec(), {role_mean, role_rstd}},
        {quantized_spec(NORMA_SCALE_ROW), {role_x_scale, role_y_scale}},
    };
    for (const auto &[spec, statistics] : calls) {
        Prepared prepared(spec);
        for (int role : statistics) {
            norma_tensor &tensor = prepared.tensor(role);
            tensor.shape[tensor.rank] = 1;
            tensor.strides[tensor.rank++] = 12345;  // which does not matter
        }
        prepared.check_runs();
        norma_tensor &last = prepared.tensor(statistics.back());
        last.shape[last.rank - 1] = 2;
        prepared.call.restore();
        CHECK(prepared.run() == invalid);
        CHECK(std::string(norma_last_error())
                  .find(".rank is 3; expected 2, one less than x, or as x with a last "
                        "dimension of 1") != std::string::npos);
    }
}

TEST_CASE("a scale for all rows has no dimensions, whatever is written where they would be", "[arguments]") {
    CallSpec spec = quantized_spec(NORMA_SCALE_TENSOR);
    spec.one_x_scale = true;
    Prepared prepared(spec);
    for (int role : {role_x_scale, role_y_scale}) {
        for (int d = 0; d < NORMA_MAX_RANK; d++) {
            prepared.tensor(role).shape[d] = 7;
            prepared.tensor(role).strides[d] = int64_t{1} << 56;
        }
    }
    prepared.check_runs();
}

TEST_CASE("scales that do not fit are refused by name", "[arguments]") {
    for (norma_scale scale : {NORMA_SCALE_ROW, NORMA_SCALE_TENSOR}) {
        const CallSpec spec = quantized_spec(scale);
        REQUIRE(spec.kernel.scale == scale);
        Prepared(spec).check_runs();
        for (int role : {role_x_scale, role_y_scale}) {
            const std::string name = roles[role].name;
            const std::pair<std::string, std::function<void(norma_tensor &)>> changes[] = {
                {".dtype is 3 (bf16); expected f32", [](auto &t) { t.dtype = NORMA_BF16; }},
                {".data is null", [](auto &t) { t.data = nullptr; }},
                {".rank is 3", [](auto &t) { t.rank = 3; }},
                {".data is 0x", [](auto &t) { t.data = moved(t.data, -2); }},
            };
            for (const auto &[words, change] : changes) {
                Prepared prepared(spec);
                change(prepared.tensor(role));
                prepared.check_refused(name + words);
            }
        }
        if (scale == NORMA_SCALE_TENSOR) {
            for (const float given : {0.0f, -0.0f, -1.0f, NAN, INFINITY, -INFINITY}) {
                float number = given;
                Prepared prepared(spec);
                prepared.tensor(role_y_scale).data = &number;
                CAPTURE(given);
                prepared.check_refused("y_scale is ");
                CHECK(std::string(norma_last_error()).find("expected a finite number above 0") != std::string::npos);
            }
        }
        Prepared ranks(spec);
        ranks.tensor(role_y_scale).rank = scale == NORMA_SCALE_ROW ? 0 : 1;
        ranks.check_refused("y_scale.rank is ");
    }
    Prepared rows(quantized_spec(NORMA_SCALE_ROW));
    rows.tensor(role_y_scale).data = rows.tensor(role_rstd).data;
    rows.check_refused("overlaps rstd");
    Prepared absent(full_spec());
    absent.tensor(role_x_scale) = absent.tensor(role_rstd);
    absent.check_refused("x_scale is given; expected all zero, since the plan has none");
}

TEST_CASE("a zero point that does not fit is refused", "[arguments]") {
    const CallSpec spec = quantized_spec(NORMA_SCALE_TENSOR, NORMA_BF16, NORMA_U8);
    Prepared(spec).check_runs();
    for (int32_t zero_point : {-1, 256}) {
        Prepared prepared(spec);
        prepared.call.arguments.y_zero_point = zero_point;
        prepared.check_refused("y_zero_point is " + std::to_string(zero_point) + "; expected 0 to 255");
    }
    Prepared prepared(quantized_spec(NORMA_SCALE_TENSOR));
    prepared.call.arguments.y_zero_point = 128;
    prepared.check_refused("y_zero_point is 128; expected 0, since y is not u8");
}

TEST_CASE("the scales of int32 columns are checked as a vector", "[arguments]") {
    const CallSpec spec = quantized_spec(NORMA_SCALE_ROW, NORMA_I32);
    Prepared(spec).check_runs();
    Prepared absent(spec);
    absent.tensor(role_x_column_scale).data = nullptr;
    absent.check_refused("x_column_scale.data is null");
    Prepared shorter(spec);
    shorter.tensor(role_x_column_scale).shape[0]--;
    shorter.check_refused("x_column_scale.shape[0] is ");
    Prepared given(quantized_spec(NORMA_SCALE_ROW));
    given.tensor(role_x_column_scale) = given.tensor(role_weight);
    given.check_refused("x_column_scale is given; expected all zero, since the plan has none");
}

TEST_CASE("a call that makes no sense is refused by name", "[arguments]") {
    Prepared(full_spec()).check_runs();
    for (const Refusal &refusal : refusals) {
        Prepared prepared(full_spec());
        refusal.change(prepared.call);
        prepared.check_refused(refusal.words);
    }
    Prepared prepared(full_spec());
    CHECK(norma_plan_run(nullptr, &prepared.call.arguments, &prepared.call.execution) == invalid);
    CHECK(std::string(norma_last_error()) == "plan is null");
    CHECK(prepared.call.untouched());
}

TEST_CASE("arguments of null are refused", "[arguments]") {
    const norma_plan_desc desc = describe(full_spec());
    CHECK(norma_run(&desc, nullptr, nullptr) == invalid);
    CHECK(std::string(norma_last_error()) == "arguments is null");
}

TEST_CASE("tensors that the plan does not have are refused", "[arguments]") {
    CallSpec spec;
    spec.kernel = find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_NONE);
    for (int role : {role_weight, role_bias, role_residual, role_residual_out, role_mean, role_rstd}) {
        spec.save_statistics = role == role_mean;
        Prepared prepared(spec);
        prepared.tensor(role) = prepared.tensor(role_x);
        prepared.check_refused(std::string(roles[role].name) + " is given; expected all zero");
    }
}

TEST_CASE("outputs that share memory with another tensor are refused", "[arguments]") {
    for (const Refusal &refusal : overlaps) {
        Prepared prepared(full_spec());
        refusal.change(prepared.call);
        prepared.check_refused(refusal.words);
    }
    for (const Refusal &refusal : backward_overlaps) {
        Prepared prepared(full_backward_spec());
        refusal.change(prepared.call);
        prepared.check_refused(refusal.words);
    }
}

TEST_CASE("in place means the very same tensor", "[arguments]") {
    CallSpec spec = full_spec();
    spec.y_in_place = spec.residual_out_in_place = true;
    spec.row_padding = 4;
    Prepared(spec).check_runs();
    const std::function<void(norma_tensor &)> changes[] = {
        [](norma_tensor &t) { t.data = moved(t.data, 4); },
        [](norma_tensor &t) { t.data = moved(t.data, -400); },
        [](norma_tensor &t) { t.strides[1] -= 4; },
    };
    for (const auto &change : changes) {
        Prepared y(spec), residual_out(spec);
        change(y.call.arguments.y);
        y.check_refused("in place, expected the same data, shape and strides");
        change(residual_out.call.arguments.residual_out);
        residual_out.check_refused("in place, expected the same data, shape and strides");
    }
    CallSpec backward = full_backward_spec();
    backward.dx_in_place = true;
    backward.row_padding = 4;
    Prepared(backward).check_runs();
    for (const auto &change : changes) {
        Prepared dx(backward);
        change(dx.call.arguments.dx);
        dx.check_refused("in place, expected the same data, shape and strides");
    }
    // A plan for in place also runs out of place.
    Prepared apart(spec);
    Call other(full_spec());
    apart.call.arguments.y = other.arguments.y;
    require_ok(apart.run(), "out of place");
}

TEST_CASE("parts of one packed tensor may be read and written", "[arguments]") {
    const int64_t rows = 5, hidden = 96;
    CallSpec spec;
    spec.kernel = find_kernel(NORMA_RMS_NORM_FORWARD, NORMA_F32, NORMA_NONE);
    spec.hidden = hidden;
    spec.outer = {rows};
    spec.row_padding = hidden;  // x is the first half of each packed row
    Prepared prepared(spec);
    norma_tensor &x = prepared.tensor(role_x), &y = prepared.tensor(role_y);
    y = x;
    x.shape[0] = y.shape[0] = prepared.tensor(role_rstd).shape[0] = rows - 1;  // the last row has no second half
    for (int64_t shift : {int64_t{0}, hidden - 1, hidden + 1}) {
        y.data = moved(x.data, shift * 4);
        prepared.check_refused("y.data is ");
    }
    y.data = moved(x.data, hidden * 4);
    require_ok(prepared.run(), "packed");
}

TEST_CASE("no rows: nothing is done, and data may be null", "[arguments]") {
    for (const std::vector<int64_t> &outer : {std::vector<int64_t>{0}, {3, 0}, {0, 4}}) {
        CallSpec spec = full_spec();
        spec.outer = outer;
        Prepared prepared(spec);
        for (int role = 0; role < role_count; role++) {
            prepared.tensor(role).data = nullptr;
        }
        CHECK(prepared.run() == NORMA_OK);
        CHECK(prepared.call.untouched());
    }
}

TEST_CASE("no rows: gradients of parameters are written, so they need memory", "[arguments]") {
    CallSpec spec = full_backward_spec();
    spec.outer = {0, 4};
    for (int role : {role_dweight, role_dbias}) {
        Prepared prepared(spec);
        prepared.tensor(role).data = nullptr;
        prepared.check_refused(std::string(roles[role].name) + ".data is null");
    }
    for (int other : {role_dweight, role_weight}) {
        Prepared prepared(spec);
        prepared.tensor(role_dbias).data = prepared.tensor(other).data;
        prepared.check_refused(std::string("overlaps ") + roles[other].name);
    }
}

TEST_CASE("a backward needs the workspace of its strips", "[arguments]") {
    Prepared(full_backward_spec()).check_runs();
    const Refusal lacks[] = {
        {"execution.workspace is null", [](Call &c) { c.execution.workspace = nullptr; }},
        {"execution.workspace_size is ", [](Call &c) { c.execution.workspace_size--; }},
        {"execution.workspace is 0x", [](Call &c) { c.execution.workspace = moved(c.execution.workspace, -32); }},
    };
    for (const Refusal &refusal : lacks) {
        Prepared prepared(full_backward_spec());
        refusal.change(prepared.call);
        prepared.check_refused(refusal.words);
    }
}

TEST_CASE("statistics belong to a backward that does not recompute them", "[arguments]") {
    const CallSpec full = full_backward_spec();  // which looks through all kernels
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        if (kernel.op == NORMA_LAYER_NORM_BACKWARD && kernel.flags == NORMA_RECOMPUTE_STATISTICS &&
            kernel.x == NORMA_F32 && std::string(kernel.target) == full.kernel.target) {
            CallSpec spec = full;
            spec.kernel = kernel;
            Prepared prepared(spec);
            prepared.tensor(role_rstd) = Call(full).arguments.rstd;
            prepared.check_refused("rstd is given; expected all zero, since the plan was made with NORMA_RECOMPUTE");
        }
    }
}

TEST_CASE("strides of dimensions of one element do not matter", "[arguments]") {
    CallSpec spec = full_spec();
    spec.outer = {1, 1};
    Prepared prepared(spec);
    for (int role : {role_x, role_residual, role_y, role_residual_out, role_mean, role_rstd}) {
        prepared.tensor(role).strides[0] = -7;
        prepared.tensor(role).strides[1] = 0;
    }
    prepared.check_runs();
    for (int role : {role_residual, role_y}) {  // also where it is looked at whether rows lie between others
        prepared.tensor(role).strides[0] = INT64_MAX;
        prepared.tensor(role).strides[1] = INT64_MIN;
    }
    prepared.call.restore();
    prepared.check_runs();
    prepared.tensor(role_y).data = prepared.tensor(role_residual).data;
    prepared.call.restore();
    prepared.check_refused("overlaps residual");
    spec.hidden = 1;
    Prepared narrow(spec);
    narrow.tensor(role_x).strides[2] = 12345;
    narrow.check_runs();
}

TEST_CASE("inputs may repeat rows", "[arguments]") {
    CallSpec spec = full_spec();
    spec.row_ids.assign(12, 5);
    Prepared prepared(spec);
    for (int role : {role_x, role_residual}) {
        prepared.tensor(role).strides[0] = prepared.tensor(role).strides[1] = 0;
    }
    require_ok(prepared.run(), "stride 0");
    for (int64_t row = 1; row < 12; row++) {
        CHECK(prepared.call.row_bytes(role_y, row) == prepared.call.row_bytes(role_y, 0));
    }
}
