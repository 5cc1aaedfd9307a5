// SPDX-License-Identifier: MIT
// Plots as SVG, for pages that load nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace norma {

std::string escaped(const std::string &text);  // for XML; what is not ASCII becomes a question mark

// Times over the default's: above 1 is slower. `x_title` says what is along the horizontal axis, and `labels` are its
// ticks, 0, 1, ...
std::string plot(const std::string &title, const std::string &x_title,
                 const std::vector<std::pair<double, double>> &points, const std::vector<std::string> &labels,
                 bool line);

struct Bar {
    std::string label, kind;  // its class in the page's style
    double value;
};

// `axis` says what the length of a bar is; at `mark`, if it is not 0, is a line across all of them.
std::string bar_chart(const std::string &axis, const std::vector<Bar> &bars, double mark = 0);

}  // namespace norma
