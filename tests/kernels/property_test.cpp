// SPDX-License-Identifier: MIT
// Any kernel, shape, strides and options that make sense: correct, and nothing else touched.
#include <rapidcheck.h>

#include <cstdlib>

#include "tests/support/call.h"
#include "tests/support/catch.h"

namespace {

using namespace norma::test;

int64_t any_hidden(const norma_kernel_info &kernel) {
    if (kernel.hidden_exact != 0) {
        return kernel.hidden_exact;
    }
    const int64_t most = kernel.hidden_most != 0 ? kernel.hidden_most : 3000;
    const auto multiples = static_cast<int>(most / kernel.hidden_multiple);
    return *rc::gen::inRange(1, multiples + 1) * kernel.hidden_multiple;
}

CallSpec any_call() {
    const std::vector<norma_kernel_info> kernels = runnable_kernels();
    CallSpec spec;
    spec.kernel = kernels[*rc::gen::inRange<size_t>(0, kernels.size())];
    spec.hidden = any_hidden(spec.kernel);
    spec.outer.clear();
    const int outer_rank = *rc::gen::inRange(0, NORMA_MAX_RANK);
    for (int d = 0; d < outer_rank; d++) {
        spec.outer.push_back(*rc::gen::inRange(0, 9));
    }
    spec.row_padding = *rc::gen::inRange(0, 20);
    spec.outer_padding = *rc::gen::inRange(0, 200);
    spec.offset = *rc::gen::inRange(-1, 70);
    spec.kind = static_cast<RowKind>(*rc::gen::inRange(0, static_cast<int>(RowKind::count)));
    spec.eps = *rc::gen::element(1e-5F, 1e-6F, 1e-12F, 0.5F);
    spec.weight_offset = *rc::gen::element(0.0F, 1.0F);
    spec.save_statistics = *rc::gen::arbitrary<bool>();
    spec.store = *rc::gen::element(NORMA_STORE_AUTO, NORMA_STORE_ORDINARY, NORMA_STORE_STREAMING);
    spec.threads = *rc::gen::inRange(1, 4);
    spec.y_in_place = spec.kernel.x == spec.kernel.y && *rc::gen::arbitrary<bool>();
    spec.residual_out_in_place = spec.kernel.residual != NORMA_NONE && *rc::gen::arbitrary<bool>();
    spec.dx_in_place = spec.backward() && spec.kernel.residual == spec.kernel.x && *rc::gen::arbitrary<bool>();
    spec.f32_gradients = *rc::gen::arbitrary<bool>();
    spec.accumulate = *rc::gen::arbitrary<bool>();
    return spec;
}

}  // namespace

TEST_CASE("any call is right", "[property]") {
    setenv("RC_PARAMS", "max_success=1000", 0);  // 0: a wish from outside counts more
    const bool holds = rc::check("any call is right", [] {
        const CallSpec spec = any_call();
        RC_PRE(has_result(spec));
        Call call(spec);
        call.run();
        const std::string problem = call.check();
        if (!problem.empty()) {
            RC_FAIL(spec.text() + ": " + problem);
        }
    });
    CHECK(holds);
}
