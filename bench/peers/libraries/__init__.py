# SPDX-License-Identifier: MIT
"""One module for each library; its PEERS are the ways to call it, by name."""
