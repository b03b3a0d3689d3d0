/* bare_http.c: the ceiling for requests: libcurl's multi interface in the plainest loop there is,
 * curl_multi_perform and curl_multi_poll, handles made once and used again, replies read and
 * dropped. No limits, no errors told apart, no headers kept. */
#include <curl/curl.h>

#include "peer.h"

static struct peer peer;

static size_t take(char *data, size_t size, size_t count, void *ctx) {
    (void)data;
    (void)ctx;
    peer.bytes += size * count;
    return size * count;
}

static CURL *make(const struct curl_slist *headers) {
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_URL, peer.url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, peer.body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(peer.body));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    return easy;
}

static void finish(CURLM *multi, const CURLMsg *message, size_t *started) {
    CURL *easy = message->easy_handle;
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (message->data.result != CURLE_OK || status != 200)
        peer.failed++;
    peer.done++;
    curl_multi_remove_handle(multi, easy);
    if (*started < peer.requests) {
        ++*started;
        curl_multi_add_handle(multi, easy);
    }
}

static bool run(CURLM *multi) {
    size_t started = peer.connections;
    while (peer.done < peer.requests) {
        int running = 0, left = 0;
        const CURLMsg *message;
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            return false;
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            if (message->msg == CURLMSG_DONE)
                finish(multi, message, &started);
        }
        if (peer.done < peer.requests && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK)
            return false;
    }
    return true;
}

int main(int argc, char **argv) {
    struct curl_slist *headers = NULL;
    int status = 1;

    if (!peer_options(&peer, argc, argv))
        return peer_usage("bare_http");
    curl_global_init(CURL_GLOBAL_ALL);
    CURLM *multi = curl_multi_init();
    CURL **easies = calloc(peer.connections, sizeof *easies);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Authorization: Bearer sk-bench-0123456789");
    if (!multi || !easies || !headers)
        goto out;
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)peer.connections);
    double start = peer_seconds();
    for (size_t i = 0; i < peer.connections; i++) {
        easies[i] = make(headers);
        if (!easies[i] || curl_multi_add_handle(multi, easies[i]) != CURLM_OK)
            goto out;
    }
    if (run(multi))
        status = peer_report(&peer, "bare_http", peer_seconds() - start);
out:
    for (size_t i = 0; easies && i < peer.connections; i++) {
        if (easies[i]) {
            curl_multi_remove_handle(multi, easies[i]);
            curl_easy_cleanup(easies[i]);
        }
    }
    if (multi)
        curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    free(easies);
    free(peer.body);
    return status;
}
