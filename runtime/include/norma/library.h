// SPDX-License-Identifier: MIT
// Which library the headers belong to. An installation and a bundle have normagen's in the place of this one, which
// names none.
#ifndef NORMA_LIBRARY_H
#define NORMA_LIBRARY_H
#endif
