// SPDX-License-Identifier: MIT
// Norma's types and constants without its library.
#include <norma/norma.h>

int main(void) {
    norma_plan_desc desc;
    desc.size = sizeof(desc);
    desc.x = NORMA_F32;
    return desc.x == NORMA_F32 && desc.size == sizeof(norma_plan_desc) ? 0 : 1;
}
