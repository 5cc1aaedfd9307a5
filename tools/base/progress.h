// SPDX-License-Identifier: MIT
// How far a long run is: one line that overwrites itself on a terminal, else a plain line every few seconds.
#pragma once

#include <string>

#include "child.h"

namespace norma {

class Progress {
public:
    explicit Progress(size_t total);

    void show(size_t done, size_t cached, const std::string &current);
    void clear();  // before anything else is printed
    double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

private:
    size_t total_;
    bool terminal_;
    Clock::time_point start_ = Clock::now(), shown_ = start_;
};

}  // namespace norma
