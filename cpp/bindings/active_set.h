// SPDX-License-Identifier: Apache-2.0
// The instruction set in use: chosen at import, swapped by set_isa.
#pragma once
#include <string>
#include <vector>

#include "kernels/table.h"

namespace nabi::bindings {

extern const Kernels* active;

const char* active_set_name();
std::vector<std::string> built_sets();
std::vector<std::string> available_sets();  // built, and this CPU runs them; best last
// Throws std::invalid_argument with a sentence when the set is unknown, not built or not on this CPU.
void choose_set(const std::string& name);
// The NABI_ISA override, else the best set.
void choose_first_set();

}  // namespace nabi::bindings
