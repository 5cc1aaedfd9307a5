// SPDX-License-Identifier: MIT
// Plots as SVG, for pages that load nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace norma {

std::string escaped(const std::string &text);  // for XML; what is not ASCII becomes a question mark

// Times over the default's: above 1 is slower. `labels` are the ticks of the horizontal axis, 0, 1, ...
std::string plot(const std::string &title, const std::vector<std::pair<double, double>> &points,
                 const std::vector<std::string> &labels, bool line);

struct Bar {
    std::string label, kind;  // its class in the page's style
    double value;
};

std::string bar_chart(const std::string &title, const std::vector<Bar> &bars);

}  // namespace norma
