/* Server-sent events: whatever a stream holds, a folded completion is one JSON object. */
#include "data/json.h"
#include "data/sse.h"
#include "fuzz.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    nl_err err = { .code = NL_OK };
    nl_sse_report report = { 0 };
    nl_buf out;
    nl_buf_init(&out);
    if (nl_sse_fold((const char *)data, size, &out, &report, &err)) {
        nl_json *json = nl_json_read(out.data, out.size, 0, &err);
        MUST(json && nl_json_root(json)->type == NL_JSON_OBJECT);
        MUST(report.events > 0);
        nl_json_free(json);
    } else {
        MUST(err.code != NL_OK && err.msg[0] != '\0');
    }
    nl_buf_release(&out);
    return 0;
}
