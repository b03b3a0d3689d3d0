/* servers.h: what known servers refuse, in their own words.
 *
 * --as NAME makes the endpoint one of them. The words are those of the servers' sources and
 * reference pages: OpenAI's API errors, Azure's REST reference and troubleshooting pages, LM
 * Studio's and vLLM's issue trackers, llama.cpp's tools/server, Ollama's openai/openai.go,
 * Anthropic's pages on errors and on the compatible endpoint. */
#ifndef NL_TESTS_FAKE_SERVERS_H
#define NL_TESTS_FAKE_SERVERS_H

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "reply.h"
#include "scan.h"

enum { VLLM_WINDOW = 6000 }; /* tokens, of --max-model-len */

static void put_plain(struct reply *reply, unsigned status, const char *text) {
    reply->status = status;
    reply->type = "application/json";
    nl_buf_str(&reply->body, text);
}

static bool begins(struct span value, const char *text) {
    return value.size > strlen(text) && memcmp(value.at + 1, text, strlen(text)) == 0;
}

/* Reasoning models, by the name that the request gives. */
static bool openai_refuses(struct reply *reply, struct span body) {
    struct span model, value;
    if (!scan_member(body, "model", &model) || !(begins(model, "o3") || begins(model, "gpt-5")))
        return false;
    if (scan_member(body, "max_tokens", &value)) {
        put_error(reply, 400, "invalid_request_error", "max_tokens", "unsupported_parameter",
                  "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                  "'max_completion_tokens' instead.");
        return true;
    }
    if (scan_member(body, "temperature", &value) && !scan_is(value, "1")) {
        char text[160];
        (void)snprintf(text, sizeof text,
                       "Unsupported value: 'temperature' does not support %.*s with this model. "
                       "Only the default (1) value is supported.",
                       (int)value.size, value.at);
        put_error(reply, 400, "invalid_request_error", "temperature", "unsupported_value", text);
        return true;
    }
    return false;
}

static bool azure_refuses(struct reply *reply, struct MHD_Connection *connection, const char *path,
                          struct span body) {
    static const char deployments[] = "/openai/deployments/";
    const char *key = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "api-key");
    const char *version =
        MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "api-version");
    bool deployed = strncmp(path, deployments, sizeof deployments - 1) == 0;
    struct span value;

    if (options.key && (!key || strcmp(key, options.key) != 0)) {
        put_plain(reply, 401,
                  "{\"error\":{\"code\":\"401\",\"message\":\"Access denied due to invalid "
                  "subscription key or wrong API endpoint. Make sure to provide a valid key for an "
                  "active subscription and use a correct regional API endpoint for your "
                  "resource.\"}}");
        return true;
    }
    if (deployed ? !version : strncmp(path, "/openai/v1/", 11) != 0) {
        put_plain(reply, 404, "{\"error\":{\"code\":\"404\",\"message\":\"Resource not found\"}}");
        return true;
    }
    if (deployed && strncmp(path + sizeof deployments - 1, "absent/", 7) == 0) {
        put_plain(
            reply, 404,
            "{\"error\":{\"code\":\"DeploymentNotFound\",\"message\":\"The API deployment for "
            "this resource does not exist. If you created the deployment within the last 5 "
            "minutes, please wait a moment and try again.\"}}");
        return true;
    }
    if (version && strcmp(version, "2024-08-01") < 0 &&
        scan_member(body, "response_format", &value)) {
        put_error(reply, 400, "invalid_request_error", NULL, "BadRequest",
                  "response_format value as json_schema is enabled only for api versions "
                  "2024-08-01-preview and later");
        return true;
    }
    return false;
}

/* vLLM puts its errors at the top, and reserves room for the whole reply. */
static bool vllm_refuses(struct reply *reply, struct span body) {
    struct span value;
    char text[512];
    if (scan_member(body, "tools", &value)) {
        put_plain(reply, 400,
                  "{\"object\":\"error\",\"message\":\"\\\"auto\\\" tool choice requires "
                  "--enable-auto-tool-choice and --tool-call-parser to be set\","
                  "\"type\":\"BadRequestError\",\"param\":null,\"code\":400}");
        return true;
    }
    long input = (long)body.size / 4, output = 0;
    if (scan_member(body, "max_tokens", &value))
        output = strtol(value.at, NULL, 10);
    if (input + output <= VLLM_WINDOW)
        return false;
    (void)snprintf(text, sizeof text,
                   "{\"object\":\"error\",\"message\":\"This model's maximum context length is %d "
                   "tokens. However, you requested %ld tokens (%ld in the messages, %ld in the "
                   "completion). Please reduce the length of the messages or completion.\","
                   "\"type\":\"BadRequestError\",\"param\":null,\"code\":400}",
                   (int)VLLM_WINDOW, input + output, input, output);
    put_plain(reply, 400, text);
    return true;
}

static bool lmstudio_refuses(struct reply *reply, struct span body) {
    struct span format, type;
    if (!scan_member(body, "response_format", &format) || !scan_member(format, "type", &type) ||
        scan_is(type, "\"json_schema\"") || scan_is(type, "\"text\""))
        return false;
    put_plain(reply, 400, "{\"error\":\"'response_format.type' must be 'json_schema' or 'text'\"}");
    return true;
}

static bool llama_refuses(struct reply *reply, struct span body) {
    struct span value;
    if (!scan_member(body, "tools", &value))
        return false;
    put_plain(reply, 500,
              "{\"error\":{\"code\":500,\"message\":\"tools param requires --jinja flag\","
              "\"type\":\"server_error\"}}");
    return true;
}

/* True where the server that the endpoint plays refused the request. */
static bool server_refuses(struct reply *reply, struct MHD_Connection *connection, const char *path,
                           struct span body) {
    switch (options.server) {
    case AS_OPENAI:
        return openai_refuses(reply, body);
    case AS_AZURE:
        return azure_refuses(reply, connection, path, body);
    case AS_VLLM:
        return vllm_refuses(reply, body);
    case AS_LMSTUDIO:
        return lmstudio_refuses(reply, body);
    case AS_LLAMA_SERVER:
        return llama_refuses(reply, body);
    default:
        return false;
    }
}

#endif
