/* rpc/walletctl/args.h - words of the command line become the parameters of a call, by their table (base/params.h). */
#ifndef RPC_WALLETCTL_ARGS_H
#define RPC_WALLETCTL_ARGS_H

#include "base/params.h"
#include "rpc/walletctl/input.h"

struct arg {
	const char *name;  /* NULL: given by position */
	const char *value; /* NULL: a bare --name */
};
struct args {
	const struct arg *list;
	size_t n;
};

/* "name=value" taken apart; by position when what stands before the '=' cannot be a name. */
struct arg arg_of(struct arena *a, const char *word);

/* Text as the row's type has it: a number, true or false, one of the choices; objects as JSON or from @file; lists as
 * JSON, from @file or as a,b,c; secrets from - or @file only.  A secret that is not given is asked for when somebody is
 * there, twice when it is the one that ask_twice names.  The result passes params_check().  Errors as input.h and
 * params_check() have them; no error quotes a value. */
struct args_options {
	struct input *in;
	const char *ask_twice; /* or NULL */
};
MUST_CHECK int args_read(struct arena *a, const struct param *table, struct args args, const struct args_options *opt,
			 json_t **ret, struct err *err);

/* The reverse of params_schema(): a table, held by the arena, from what `action.kinds` tells.  ERR_PARSE. */
MUST_CHECK int args_table(struct arena *a, const json_t *schema, const struct param **ret, struct err *err);

#endif
