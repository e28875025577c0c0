#include "daemon/lightning_config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/perms.h"

#define CERT_MAX  ((size_t)64 * 1024)
#define CERT_MARK "-----BEGIN CERTIFICATE-----"

/* Up to size bytes of it, and how many there are; size of them: it may hold more. */
static int read_some(int fd, const char *path, uint8_t *to, size_t size, size_t *n, struct err *err)
{
	*n = 0;
	while (*n < size) {
		ssize_t got = read(fd, to + *n, size - *n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return 0;
}

static int open_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0) {
		ERR(err, ERR_CONFIG, "cannot open %s: %s", path, strerror(errno));
		err_hint(err, "name a file that the user of walletd can read");
	}
	return fd;
}

/* The file has the key as bytes; as text it is what ldk-server makes of it, and somebody may have copied that. */
static int read_key(const char *path, struct secret *ret, struct err *err)
{
	SCOPED(fd) int fd = open_file(path, err);
	uint8_t bytes[sizeof(ret->b) + 1];
	size_t n;
	int rc;

	if (fd < 0 || perms_private_fd(fd, path, err) != 0)
		return -1;
	rc = read_some(fd, path, bytes, sizeof(bytes), &n, err);
	if (rc == 0 && n != sizeof(ret->b)) {
		rc = ERR(err, ERR_CONFIG, "%s has %s than the %zu bytes of a key", path,
			 n < sizeof(ret->b) ? "less" : "more", sizeof(ret->b));
		err_hint(err, "copy the file api_key of ldk-server as it is: bytes, and no text");
	}
	if (rc == 0)
		memcpy(ret->b, bytes, sizeof(ret->b));
	secret_wipe(bytes, sizeof(bytes));
	return rc;
}

static int check_cert(const char *path, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(CERT_MAX + 4096);
	SCOPED(fd) int fd = open_file(path, err);
	uint8_t *bytes = arena_alloc(&a, CERT_MAX);
	size_t n;

	if (fd < 0 || read_some(fd, path, bytes, CERT_MAX, &n, err) != 0)
		return -1;
	if (n < CERT_MAX && memmem(bytes, n, CERT_MARK, strlen(CERT_MARK)) != NULL)
		return 0;
	ERR(err, ERR_CONFIG, "%s is no certificate in PEM", path);
	return err_hint(err, "name the file tls.crt of ldk-server");
}

/* In whose option it is. */
static int at_option(struct err *err, const char *option)
{
	err_context(err, "%s", option);
	return err_field(err, option);
}

static int misplaced(const char *option, const char *why, struct err *err)
{
	ERR(err, ERR_CONFIG, "%s: %s", option, why);
	return err_field(err, option);
}

static int ldk_config(const struct config *conf, struct secret *key, struct ln_node *ret, struct err *err)
{
	if (conf->lightning_rpc)
		return misplaced("lightning_url", "there is a lightning_rpc too; give one of them", err);
	if (!conf->lightning_tls_cert)
		return misplaced("lightning_tls_cert",
				 "is missing: name the tls.crt of the ldk-server at lightning_url", err);
	if (!conf->lightning_api_key)
		return misplaced("lightning_api_key", "is missing: name the api_key of the ldk-server at lightning_url",
				 err);
	if (check_cert(conf->lightning_tls_cert, err) != 0)
		return at_option(err, "lightning_tls_cert");
	if (read_key(conf->lightning_api_key, key, err) != 0)
		return at_option(err, "lightning_api_key");
	*ret = (struct ln_node){ .url = conf->lightning_url, .ca_file = conf->lightning_tls_cert, .key = key };
	return 0;
}

int lightning_config(const struct config *conf, struct secret *key, const struct ln_backend **ret_backend,
		     struct ln_node *ret, struct err *err)
{
	const char *needless = conf->lightning_tls_cert  ? "lightning_tls_cert"
			       : conf->lightning_api_key ? "lightning_api_key"
							 : NULL;

	if (conf->lightning_url) {
		*ret_backend = &ldk_backend;
		return ldk_config(conf, key, ret, err);
	}
	if (needless)
		return misplaced(needless, "there is no lightning_url that it is for", err);
	*ret_backend = conf->lightning_rpc ? &cln_backend : NULL;
	*ret = (struct ln_node){ .socket = conf->lightning_rpc ? conf->lightning_rpc : "" };
	return 0;
}
