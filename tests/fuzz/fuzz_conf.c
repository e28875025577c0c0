/* A configuration file made of anything: it is refused with a place and a reason, or taken; and what was taken, printed
 * as a file, is taken again and means the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int load(struct arena *a, const void *p, size_t n, struct config *ret, struct err *err)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);
	char flag[64];
	char *argv[] = { (char *)"walletd", flag };
	char *env[] = { (char *)"HOME=/h/u", NULL };
	enum conf_command command;
	int rc;

	if (fd < 0 || fchmod(fd, 0600) != 0 || (n > 0 && write(fd, p, n) != (ssize_t)n))
		abort();
	snprintf(flag, sizeof(flag), "--conf=/proc/self/fd/%d", fd);
	rc = conf_load(a, &(struct conf_input){ 2, argv, env }, &command, ret, err);
	close(fd);
	return rc;
}

/* Only what a file can say again: a list may be longer than one line, so each entry gets its own. */
static void print(FILE *to, struct arena *a, const struct config *c)
{
	for (const struct option *o = options; o->key; o++) {
		const char *text = option_text(a, o, c);

		if (o->mask == url_shown)
			text = c->proxy ? c->proxy : "";
		if (o->type == OPTION_LIST) {
			const struct conf_list *l = (const struct conf_list *)(const void *)((const char *)c + o->at);

			if (l->n == 0)
				fprintf(to, "%s=\n", o->key);
			for (size_t i = 0; i < l->n; i++)
				fprintf(to, "%s=%s\n", o->key, l->items[i]);
		} else {
			fprintf(to, "%s=%s\n", o->key, text);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(2 * CONF_ARENA);
	struct config first, again;
	struct err err;
	char *text = NULL;
	size_t n = 0;
	FILE *f;

	if (load(&a, data, size, &first, &err) != 0) {
		if (err.code != ERR_CONFIG || err.msg[0] == '\0')
			abort();
		return 0;
	}
	f = open_memstream(&text, &n);
	if (!f)
		abort();
	print(f, &a, &first);
	if (fclose(f) != 0 || load(&a, text, n, &again, &err) != 0)
		abort();
	for (const struct option *o = options; o->key; o++)
		if (option_differs(o, &first, &again))
			abort();
	free(text);
	return 0;
}
