// SPDX-License-Identifier: MIT
// How far a long run is: one line that overwrites itself on a terminal.
#pragma once

#include <chrono>
#include <string>

namespace norma {

class Progress {
public:
    enum Elsewhere { nothing, lines };  // where stderr is no terminal: a plain line every few seconds, or none

    explicit Progress(Elsewhere elsewhere);

    bool visible() const { return terminal_ || elsewhere_ == lines; }
    void show(std::string line);
    void clear() const;  // before anything else is printed
    double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

private:
    using Clock = std::chrono::steady_clock;

    Elsewhere elsewhere_;
    bool terminal_;
    Clock::time_point start_ = Clock::now(), shown_ = start_;
};

}  // namespace norma
