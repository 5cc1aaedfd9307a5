// SPDX-License-Identifier: MIT
// Run-time choices that were measured on a machine, from a file that somebody names.
#pragma once

#include "norma/norma.h"
#include "runtime/kernel_host/run_time.h"

namespace norma {

// Puts what norma_set_calibration was given, else what the file of NORMA_CALIBRATION holds, in place of the kernel's.
norma_status calibrate(RunTime *run_time);

}  // namespace norma
