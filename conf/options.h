/* conf/options.h - the one table of options: each key with its type, range, default and prose.  The parser, --help, the
 * example file and docs/configuration.md are all made from it. */
#ifndef CONF_OPTIONS_H
#define CONF_OPTIONS_H

#include <stdio.h>

#include "conf/conf.h"

enum option_type {
	OPTION_STRING = 1,
	OPTION_PATH, /* absolute; on the command line and in the environment also relative to where walletd was started */
	OPTION_INT,
	OPTION_MODE, /* file permissions, octal */
	OPTION_BOOL,
	OPTION_ENUM,
	OPTION_LIST /* entries separated by commas, or the key given several times */
};
enum option_flags {
	OPTION_RELOADABLE = 1, /* SIGHUP applies a change */
	OPTION_TOP = 2,        /* not inside a [network] section */
	OPTION_NEEDED = 4      /* an empty value does not mean "none" */
};

/* The path of a unix socket, without its NUL. */
#define SOCKET_PATH_MAX 107

struct option {
	const char *key;
	enum option_type type;
	unsigned flags;
	int64_t min, max;     /* of the number; of the text in bytes; of the list in entries */
	const char *choices;  /* of an enum: "a|b|c" */
	const char *fallback; /* the default as it would be written; NULL: none, or worked out as `computed` tells */
	const char *computed; /* the default in words */
	const char *arg;      /* what stands for the value in --help */
	const char *help;
	size_t at;                                        /* where in struct config */
	int (*check)(const char *value, struct err *err); /* what the type cannot say, for each entry; or NULL */
	/* May hold a password or an API key: the value as others may see it.  Where that differs, others must not read the
	 * file.  NULL: nothing to hide. */
	char *(*mask)(struct arena *a, const char *value);
};
extern const struct option options[]; /* ends with a NULL key */
extern const size_t n_options;

/* NULL when there is none of this name. */
const struct option *option_find(const char *key);
/* The environment variable of an option: WALLETD_ and the key in capitals. */
char *option_env_name(struct arena *a, const struct option *o);
/* Reads value into the option's place in *to.  `base` is what relative paths are relative to, NULL to refuse them.
 * ERR_CONFIG, field: the key. */
MUST_CHECK int option_set(struct arena *a, const struct option *o, const char *value, const char *base,
			  struct config *to, struct err *err);
/* The value as it would be written; "" for none; secrets are masked. */
const char *option_text(struct arena *a, const struct option *o, const struct config *c);
/* Would showing this value tell a password or a key? */
bool option_hides(const struct option *o, const char *value);
/* Takes the value over; text stays where it is. */
void option_copy(const struct option *o, const struct config *from, struct config *to);
bool option_differs(const struct option *o, const struct config *x, const struct config *y);

void options_print_help(FILE *to);
void options_print_example(FILE *to);
void options_print_reference(FILE *to); /* Markdown */
/* Every option with its value and where that comes from, as lines of a configuration file. */
void options_print_values(FILE *to, const struct config *c);

#endif
