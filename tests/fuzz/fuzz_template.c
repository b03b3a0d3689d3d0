/* The reader of prompt templates, which users write. See template.lua for what holds. */
#include "fuzz.h"
#include "vm.h"

#include "base/banned.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    fuzz_vm_load(SOURCE_DIR "/tests/fuzz/template.lua");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_vm_run(data, size);
    return 0;
}
