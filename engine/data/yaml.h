/* yaml.h: YAML 1.1 by libyaml into a tree in which every node knows its line and column.
 *
 * Anchors and aliases are followed (an alias's depth and total expansion are capped); merge
 * keys (<<) are not interpreted. Duplicate keys are an error naming both places. */
#ifndef NL_DATA_YAML_H
#define NL_DATA_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef enum {
    NL_YAML_NULL,
    NL_YAML_BOOL,
    NL_YAML_INT,
    NL_YAML_FLOAT,
    NL_YAML_STRING,
    NL_YAML_LIST,
    NL_YAML_MAP
} nl_yaml_type;

typedef struct nl_yaml_node {
    nl_yaml_type
        type; /* plain scalars resolve by the YAML 1.2 core schema; quoted ones are strings */
    unsigned line, column; /* 1-based */
    const char *key;       /* in a map: the key's text */
    unsigned key_line, key_column;
    const char *text; /* scalars: as written, unescaped */
    size_t text_size;
    int64_t integer; /* INT; BOOL as 0 or 1 */
    double number;   /* FLOAT and INT */
    const struct nl_yaml_node *child, *next;
} nl_yaml_node;

typedef struct nl_yaml nl_yaml;

/* One document. NULL with err->code NL_CONFIG and "NAME:line:column: …". An empty document
 * is a null node. `name` is used in messages only. */
nl_yaml *nl_yaml_read(const char *text, size_t size, const char *name, nl_err *err);
void nl_yaml_free(nl_yaml *yaml);
const nl_yaml_node *nl_yaml_root(const nl_yaml *yaml);

#endif
