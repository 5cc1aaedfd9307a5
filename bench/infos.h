// SPDX-License-Identifier: MIT
// What the library holds, as lists.
#pragma once

#include <norma/norma.hpp>
#include <vector>

namespace norma {

template <typename Info>
std::vector<Info> all_infos(int32_t count, norma_status (*get)(int32_t, Info *)) {
    std::vector<Info> infos(static_cast<size_t>(count));
    for (int32_t i = 0; i < count; i++) {
        Info &info = infos[static_cast<size_t>(i)];
        info.size = sizeof info;
        check(get(i, &info));
    }
    return infos;
}

inline std::vector<norma_kernel_info> kernels() { return all_infos(norma_kernel_count(), norma_get_kernel_info); }
inline std::vector<norma_target_info> targets() { return all_infos(norma_target_count(), norma_get_target_info); }

}  // namespace norma
