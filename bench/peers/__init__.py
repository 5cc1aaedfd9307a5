# SPDX-License-Identifier: MIT
"""Norma beside its peers: bench/peers/run."""
