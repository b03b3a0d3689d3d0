/* YAML: every node has a place and whole text; a refusal names its place. */
#include <string.h>

#include "data/yaml.h"
#include "fuzz.h"

#include "base/banned.h"

static void check_node(const nl_yaml_node *node, const nl_yaml_node *parent) {
    MUST(node->line >= 1 && node->column >= 1);
    if (parent && parent->type == NL_YAML_MAP)
        MUST(node->key && node->key_line >= 1 && node->key_column >= 1);
    if (node->type != NL_YAML_LIST && node->type != NL_YAML_MAP) {
        MUST(!node->child);
        if (node->text)
            MUST(node->text[node->text_size] == '\0');
        else
            MUST(node->type == NL_YAML_NULL);
    }
    for (const nl_yaml_node *child = node->child; child; child = child->next)
        check_node(child, node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    nl_err err = { .code = NL_OK };
    nl_yaml *yaml = nl_yaml_read((const char *)data, size, "f.yaml", &err);
    if (!yaml) {
        MUST(err.code != NL_CONFIG || strncmp(err.msg, "f.yaml:", 7) == 0);
        MUST(err.code != NL_OK);
        return 0;
    }
    check_node(nl_yaml_root(yaml), NULL);
    nl_yaml_free(yaml);
    return 0;
}
