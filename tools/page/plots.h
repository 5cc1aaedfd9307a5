// SPDX-License-Identifier: MIT
// Plots as SVG, for pages that load nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace norma {

struct Series {
    std::string name;  // in the legend; empty: in none
    std::vector<std::pair<double, double>> points;
};

// Lines or points over the same axes, with a line across where y is 1, as ratios have it.
struct Chart {
    double width, height;
    std::string title, x_title, y_title;
    std::vector<std::string> x_labels;  // of 0, 1, ...; slanted where they are many
    std::vector<Series> series;
    bool lines = true;
    bool logarithmic = false;  // y, all of which is above 0
    double most = 1e300;       // what is above lies there
};
std::string chart(const Chart &chart);

struct Bar {
    std::string label, kind;  // its class in the page's style
    double value;
};

// `axis` says what the length of a bar is; at `mark`, if it is not 0, is a line across all of them.
std::string bar_chart(const std::string &axis, const std::vector<Bar> &bars, double mark = 0);

}  // namespace norma
