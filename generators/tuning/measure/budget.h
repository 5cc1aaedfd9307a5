// SPDX-License-Identifier: MIT
// How long the rungs of a search take, and how much time is left for them.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace norma {

inline constexpr int last_rung = 2;
inline constexpr double longer = 4;    // a rung's trial than the one before
inline constexpr size_t at_once = 12;  // candidates of a trial

int processes(int rung);   // that make a trial
int min_rounds(int rung);  // of each of them
size_t promoted(size_t candidates);
bool is_left_out(size_t candidates, int rung);  // a rung that would drop none

using Shapes = std::vector<std::pair<int64_t, int64_t>>;  // rows, hidden

// Seconds, as a machine of today takes them: of a trial that times each function so long; of a rung's trials of so many
// candidates at all shapes; of these and of all rungs after it.
double cost_of_trial(size_t candidates, std::pair<int64_t, int64_t> shape, int rung, double seconds);
double cost_of_rung(size_t candidates, const Shapes &shapes, int rung, double seconds);
double cost(size_t candidates, const Shapes &shapes, int rung, double seconds);

class Budget {
public:
    Budget(double seconds, std::function<double()> now) : now_(std::move(now)), stop_(now_() + seconds) {}

    double now() const { return now_(); }
    double stop() const { return stop_; }
    double left() const { return stop_ - now_(); }

    // By how much longer than expected trials take here.
    double pace() const;
    bool knows_pace() const { return expected_ > 0; }
    void add(double expected, double spent) {
        expected_ += expected;
        spent_ += spent;
    }

private:
    std::function<double()> now_;
    double stop_, expected_ = 0, spent_ = 0;
};

}  // namespace norma
