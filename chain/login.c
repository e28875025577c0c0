#include "chain/login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"
#include "rails/chain/bitcoind_call.h"

#define LOGIN_MAX 1024

struct login {
	char *cookie_file;
	char *value; /* of the header; NULL: none, or not read */
};

static void value_set(struct login *l, char *value)
{
	if (l->value != NULL) {
		secret_wipe(l->value, strlen(l->value));
		free(l->value);
	}
	l->value = value;
}

static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		abort();
	return copy;
}

static void wipe_block(void *p)
{
	secret_wipe(p, strlen(p));
}

static char *value_of(const char *user_password)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT((size_t)16 * LOGIN_MAX);
	const char *value = bitcoind_authorization(&a, user_password);

	arena_defer(&a, wipe_block, (void *)(uintptr_t)value);
	return copy_of(value);
}

struct login *login_new(const char *user_password, const char *cookie_file)
{
	struct login *l = calloc(1, sizeof(*l));

	if (l == NULL)
		abort();
	if (user_password != NULL)
		l->value = value_of(user_password);
	if (cookie_file != NULL)
		l->cookie_file = copy_of(cookie_file);
	return l;
}

void login_free(struct login *l)
{
	if (l == NULL)
		return;
	value_set(l, NULL);
	free(l->cookie_file);
	free(l);
}

/* The first line. */
static int cookie_read(const char *path, char to[LOGIN_MAX + 1], struct err *err)
{
	SCOPED(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, to, LOGIN_MAX);

	if (n < 0)
		return ERR(err, ERR_PEER_AUTH, "the cookie file %s cannot be read: %s", path, strerror(errno));
	to[n] = '\0';
	to[strcspn(to, "\r\n")] = '\0';
	if (strchr(to, ':') == NULL || !text_printable_ascii(to))
		return ERR(err, ERR_PEER_AUTH, "the file %s holds no cookie", path);
	return 0;
}

int login_value(struct login *l, const char **ret, struct err *err)
{
	char cookie[LOGIN_MAX + 1];
	int rc = 0;

	if (l->value == NULL && l->cookie_file != NULL) {
		rc = cookie_read(l->cookie_file, cookie, err);
		if (rc == 0)
			value_set(l, value_of(cookie));
		secret_wipe(cookie, sizeof(cookie));
	}
	if (rc == 0)
		*ret = l->value;
	return rc;
}

void login_forget(struct login *l)
{
	if (l->cookie_file != NULL)
		value_set(l, NULL);
}

bool login_changed(struct login *l)
{
	char *refused = l->value;
	const char *now = NULL;
	struct err ignored; /* the refusal is what is reported */
	bool changed;

	if (l->cookie_file == NULL)
		return false;
	l->value = NULL;
	changed = login_value(l, &now, &ignored) == 0 && (refused == NULL || strcmp(now, refused) != 0);
	if (refused != NULL) {
		secret_wipe(refused, strlen(refused));
		free(refused);
	}
	return changed;
}
