/* tests/support/rails.h - what the suites of rails/ share: an arena and an error for each test, the vectors, and replies. */
#ifndef TESTS_SUPPORT_RAILS_H
#define TESTS_SUPPORT_RAILS_H

#include <check.h>

#include "base/http_msg.h"
#include "base/json.h"

extern struct arena ra; /* for the test that runs */
extern struct err rerr;

/* A case whose tests begin with secp_init() and an empty arena. */
TCase *rails_case(Suite *s, const char *name);

/* tests/vectors/NAME as JSON.  Tests run in the root of the tree. */
json_t *vectors_load(const char *name);
const char *vec_str(const json_t *obj, const char *name);
uint64_t vec_u64(const json_t *obj, const char *name);
struct bytes vec_hex(const json_t *obj, const char *name);
/* Exactly n bytes. */
void vec_copy(const json_t *obj, const char *name, void *to, size_t n);
void hex_to(const char *text, void *to, size_t n);

struct net_reply reply_of(int status, const char *body);
/* Does the request's body, as JSON, equal this? */
void assert_body(const struct net_request *req, const char *json);

#define ck_ok(rc)         ck_assert_msg((rc) == 0, "%s: %s", err_kind(rerr.code), rerr.msg)
#define ck_fails(rc, why) rails_assert_fails((rc), (why), __FILE__, __LINE__)
void rails_assert_fails(int rc, enum err_code why, const char *file, int line);

#endif
