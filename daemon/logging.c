#include "daemon/logging.h"

#include "base/log.h"
#include "daemon/systemd.h"

static void set_log_levels(const struct config *c)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);

	log_set_level(NULL, LOG_INFO);
	/* The level for all is set first: setting it forgets those of the modules. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < c->log_level.n; i++) {
			const char *module, *name;
			enum log_level level;
			struct err err;

			if (conf_log_level_parse(&a, c->log_level.items[i], &module, &name, &err) == 0 &&
			    log_level_parse(name, &level) && (module != NULL) == (pass == 1))
				log_set_level(module, level);
		}
}

int logging_open(const struct config *c, struct err *err)
{
	enum log_format format = c->log_format == CONF_LOG_JSON ? LOG_JSON : LOG_LOGFMT;

	if (log_open(c->log_file, format, systemd_stderr_is_journal(), err) != 0)
		return -1;
	set_log_levels(c);
	return 0;
}
