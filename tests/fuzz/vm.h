/* vm.h: fuzzing what is written in Lua.
 *
 * One Lua state is kept for all inputs. The script tests/fuzz/NAME.lua returns a function that
 * takes one input and raises where something does not hold. libFuzzer sees C only: a line hook
 * tells it which lines of Lua ran, one after the other. */
#ifndef NL_TESTS_FUZZ_VM_H
#define NL_TESTS_FUZZ_VM_H

#include <stddef.h>
#include <stdint.h>

/* Loads `path`; ends the program with a sentence where that fails. */
void fuzz_vm_load(const char *path);
/* Calls its function with one input; aborts with the script's message where it raises. */
void fuzz_vm_run(const uint8_t *data, size_t size);

#endif
