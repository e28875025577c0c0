/* chain/login.h - the user and password that a bitcoind is asked with.  Implements the cookie files of spec/exit.md 6.2.
 *
 * A cookie file holds "__cookie__:" and hex, and is written anew at each start of the node.  What is read is wiped when it
 * goes; it is no key to money, but it is one to the node. */
#ifndef CHAIN_LOGIN_H
#define CHAIN_LOGIN_H

#include "base/err.h"

struct login;

/* At most one of both; either may be NULL.  Copied. */
struct login *login_new(const char *user_password, const char *cookie_file);
void login_free(struct login *l); /* NULL is fine */

/* The value for an Authorization header, until the next call of any function here; NULL when none is wanted.  Reads the
 * cookie file when that was not read yet, or was forgotten.  ERR_PEER_AUTH: it cannot be read, or is no cookie. */
MUST_CHECK int login_value(struct login *l, const char **ret, struct err *err);
/* The node was gone: perhaps it has another cookie when it comes back. */
void login_forget(struct login *l);
/* The node refused what login_value() said.  True: the file holds something else by now, which is worth a try. */
MUST_CHECK bool login_changed(struct login *l);

#endif
