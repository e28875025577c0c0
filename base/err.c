#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A cut in the middle of a UTF-8 character would make the text unfit for JSON: drop what is left of the character. */
static void trim_partial_char(char *text)
{
	size_t n = strlen(text), start = n;
	unsigned char lead;
	size_t want;

	while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	lead = (unsigned char)text[--start];
	want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (n - start < want)
		text[start] = '\0';
}

static void format(char *to, size_t size, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));
static void format(char *to, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(to, size, fmt, ap);

	if (n < 0)
		to[0] = '\0';
	else if ((size_t)n >= size)
		trim_partial_char(to);
}

static void copy_cut(char *to, size_t size, const char *text)
{
	size_t n = strlen(text);
	bool cut = n >= size;

	if (cut)
		n = size - 1;
	memcpy(to, text, n);
	to[n] = '\0';
	if (cut)
		trim_partial_char(to);
}

int err_set(struct err *err, enum err_code code, const char *file, int line, const char *fmt, ...)
{
	char msg[ERR_MSG_MAX]; /* the arguments may point into *err */
	va_list ap;

	va_start(ap, fmt);
	format(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err_clear(err);
	err->code = code;
	err->class = err_class_of(code);
	err->file = file;
	err->line = line;
	memcpy(err->msg, msg, sizeof(msg));
	return -1;
}

int err_context(struct err *err, const char *fmt, ...)
{
	char prefix[ERR_MSG_MAX], whole[2 * ERR_MSG_MAX + 2];
	va_list ap;

	assert(err->code != ERR_NONE);
	va_start(ap, fmt);
	format(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	(void)snprintf(whole, sizeof(whole), "%s: %s", prefix, err->msg); /* always fits */
	copy_cut(err->msg, sizeof(err->msg), whole);
	return -1;
}

int err_field(struct err *err, const char *field)
{
	copy_cut(err->field, sizeof(err->field), field);
	return -1;
}

int err_hint(struct err *err, const char *fmt, ...)
{
	char hint[ERR_HINT_MAX];
	va_list ap;

	va_start(ap, fmt);
	format(hint, sizeof(hint), fmt, ap);
	va_end(ap);
	memcpy(err->hint, hint, sizeof(hint));
	return -1;
}

void err_clear(struct err *err)
{
	memset(err, 0, sizeof(*err));
}

const char *err_kind(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return "none";
#define ERR_KIND(code_, kind_, class_)                                                                                 \
	case code_:                                                                                                    \
		return kind_;
		ERR_CODES(ERR_KIND)
#undef ERR_KIND
	}
	abort();
}

enum err_code err_code_of(const char *kind)
{
#define ERR_MATCH(code_, kind_, class_)                                                                                \
	if (strcmp(kind, kind_) == 0)                                                                                  \
		return code_;
	ERR_CODES(ERR_MATCH)
#undef ERR_MATCH
	return ERR_INTERNAL;
}

enum err_class err_class_of(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return ERR_BUG; /* nobody asks for the class of no error */
#define ERR_CLASS(code_, kind_, class_)                                                                                \
	case code_:                                                                                                    \
		return class_;
		ERR_CODES(ERR_CLASS)
#undef ERR_CLASS
	}
	abort();
}

void err_fatal(const char *why)
{
	(void)fprintf(stderr, "walletd: fatal: %s\n", why);
	abort();
}
