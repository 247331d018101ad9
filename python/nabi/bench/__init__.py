# SPDX-License-Identifier: Apache-2.0
"""``nabi bench``: how fast nabi is here, against PyTorch and numpy, each in a process of its own.

``shapes`` lists the rows, ``workloads`` says what nabi and PyTorch run for them, ``worker`` runs it in a process that
``peers`` starts and asks; ``timing`` turns samples into numbers, ``machine`` says whether to believe them, ``report``
writes the table and the JSON file, ``compare`` sets two such files side by side.
"""
