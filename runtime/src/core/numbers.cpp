// SPDX-License-Identifier: MIT
#include "numbers.h"

#include "errors.h"
#include "runtime/src/device/cpu/float_environment.h"

namespace norma {

norma_status refuse_number(const char *name, float value, const char *expected) {
    const FloatEnvironment standard;
    return fail(NORMA_INVALID_ARGUMENT, "%s is %g; expected %s", name, static_cast<double>(value), expected);
}

}  // namespace norma
