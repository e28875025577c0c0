/* walletd from outside: it starts, says so, answers, reloads, stops, and refuses what it must with the right words and the
 * right exit code. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/exit_code.h"
#include "tests/support/process.h"
#include "tests/support/suite.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define LONG_MS   20000

static struct process p;

static void set_up(void)
{
	process_new(&p);
}

static void tear_down(void)
{
	process_free(&p);
}

static const char *in_dir(const char *name)
{
	static char path[4][160];
	static unsigned i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", p.dir, name);
	return path[i];
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void sql(const char *statement)
{
	char path[128];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/wallet.db", p.data);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, statement, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void assert_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in: %s", part, text);
}

/* Starts, and must end by itself with this code and these words. */
static void assert_refused(const char *const *flags, const char *const *env, int code, const char *says)
{
	process_start(&p, flags, env);
	ck_assert_int_eq(process_wait(&p, LONG_MS), code);
	assert_has(process_log(&p), says);
	ck_assert_ptr_null(strstr(p.told, "READY=1"));
}

/* A datadir as a first run leaves it. */
static void first_run(void)
{
	process_start_ready(&p, NULL, NULL);
	process_signal(&p, SIGTERM);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_OK);
}

START_TEST(test_life)
{
	struct stat st;

	process_start_ready(&p, NULL, NULL);
	assert_has(p.told, "STATUS=regtest, wallet: none");
	assert_has(process_call(&p, "status", NULL), "\"network\":\"regtest\"");
	assert_has(process_get(&p, "/healthz"), "HTTP/1.1 200");
	ck_assert_int_eq(stat(p.data, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat(p.socket, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	process_signal(&p, SIGHUP);
	ck_assert(process_wait_told(&p, "RELOADING=1\nMONOTONIC_USEC="));
	ck_assert(process_wait_log(&p, "event=config.reloaded"));
	process_signal(&p, SIGUSR1);
	ck_assert(process_wait_log(&p, "event=task.state task=maintenance"));
	assert_has(process_log(&p), "event=daemon.state");
	process_signal(&p, SIGPIPE);
	assert_has(process_call(&p, "status", NULL), "\"network\":\"regtest\"");
	process_signal(&p, SIGTERM);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_OK);
	assert_has(p.told, "STOPPING=1");
	assert_has(process_log(&p), "event=daemon.stopped code=0");
	ck_assert_int_ne(stat(p.socket, &st), 0);
}
END_TEST

START_TEST(test_stop_by_rpc)
{
	process_start_ready(&p, NULL, NULL);
	assert_has(process_call(&p, "stop", NULL), "\"result\"");
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_OK);
}
END_TEST

/* Clients that just sit there do not hold a stop up for the whole grace. */
START_TEST(test_stop_with_idle_clients)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fds[8];

	process_start_ready(&p, LIST("--shutdown_grace_s=300"), NULL);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", p.socket);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		ck_assert_int_eq(connect(fds[i], (struct sockaddr *)&at, sizeof(at)), 0);
	}
	assert_has(process_call(&p, "status", NULL), "\"result\"");
	process_signal(&p, SIGINT);
	ck_assert_int_eq(process_wait(&p, 5000), EXIT_OK);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}
END_TEST

/* A mint that takes the request and never answers keeps a step in flight. */
static pid_t ask_silent_mint(int *ret_listener)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0), mint;
	char params[64];
	pid_t client;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(params, sizeof(params), "{\"url\":\"http://127.0.0.1:%u\"}", ntohs(at.sin_port));
	client = fork();
	ck_assert_int_ge(client, 0);
	if (client == 0) {
		process_call(&p, "mint.add", params);
		_exit(0);
	}
	mint = accept(fd, NULL, NULL);
	ck_assert_int_ge(mint, 0);
	close(fd);
	*ret_listener = mint;
	return client;
}

START_TEST(test_grace)
{
	pid_t client;
	int mint;

	process_start_ready(
		&p, LIST("--allow_plaintext_seed=1", _i ? "--shutdown_grace_s=1" : "--shutdown_grace_s=300"), NULL);
	assert_has(process_call(&p, "wallet.create", NULL), "\"result\"");
	client = ask_silent_mint(&mint);
	process_signal(&p, SIGTERM);
	ck_assert(process_wait_told(&p, "STOPPING=1"));
	ck_assert_int_eq(process_wait(&p, 300), -1); /* the step is given its time */
	if (_i == 0)
		process_signal(&p, SIGTERM); /* unless somebody asks again */
	ck_assert_int_eq(process_wait(&p, 5000), EXIT_OK);
	ck_assert_int_eq(waitpid(client, NULL, 0), client);
	close(mint);
}
END_TEST

START_TEST(test_killed_and_started_again)
{
	process_start_ready(&p, NULL, NULL);
	process_signal(&p, SIGKILL);
	ck_assert_int_eq(process_wait(&p, LONG_MS), 128 + SIGKILL);
	process_start_ready(&p, NULL, NULL); /* over the socket and the lock file that the first one left */
	assert_has(process_call(&p, "status", NULL), "\"result\"");
}
END_TEST

START_TEST(test_second_instance)
{
	struct process second;
	char pid[32];

	process_start_ready(&p, NULL, NULL);
	process_new(&second);
	snprintf(second.data, sizeof(second.data), "%s", p.data);
	process_start(&second, NULL, NULL);
	ck_assert_int_eq(process_wait(&second, LONG_MS), EXIT_OTHER);
	snprintf(pid, sizeof(pid), "(pid %ld)", (long)p.pid);
	assert_has(process_log(&second), pid);
	/* Neither does one that would share, with one that does not. */
	process_start(&second, LIST("--shared_state=1"), NULL);
	ck_assert_int_eq(process_wait(&second, LONG_MS), EXIT_OTHER);
	assert_has(process_log(&second), "shared_state=1");
	assert_has(process_call(&p, "status", NULL), "\"result\"");
	process_free(&second);
}
END_TEST

START_TEST(test_two_that_share)
{
	struct process second;
	char flag[128];

	process_start_ready(&p, LIST("--shared_state=1"), NULL);
	process_new(&second);
	snprintf(second.data, sizeof(second.data), "%s", p.data);
	snprintf(second.socket, sizeof(second.socket), "%s/second.sock", p.data);
	snprintf(flag, sizeof(flag), "--rpc_socket=%s", second.socket);
	process_start_ready(&second, LIST("--shared_state=1", flag), NULL);
	assert_has(process_call(&second, "status", NULL), "\"result\"");
	assert_has(process_call(&p, "status", NULL), "\"result\"");
	process_free(&second);
}
END_TEST

/* --- stores that cannot be used --- */

START_TEST(test_newer_schema)
{
	first_run();
	sql("PRAGMA user_version = 9999");
	assert_refused(NULL, NULL, EXIT_CONFIG, "9999");
}
END_TEST

START_TEST(test_other_network)
{
	first_run();
	assert_refused(LIST("--network=signet"), NULL, EXIT_CONFIG, "belongs to regtest, and network is signet");
}
END_TEST

START_TEST(test_not_our_database)
{
	ck_assert_int_eq(mkdir(p.data, 0700), 0);
	sql("CREATE TABLE shopping (list TEXT)");
	ck_assert_int_eq(chmod(in_dir("data/wallet.db"), 0600), 0);
	assert_refused(NULL, NULL, EXIT_CONFIG, "not one of walletd");
}
END_TEST

START_TEST(test_damaged_database)
{
	const char *path = in_dir("data/wallet.db");
	char junk[4096];
	struct stat st;
	int fd;

	first_run();
	fd = open(path, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	memset(junk, 0x5a, sizeof(junk));
	for (off_t at = _i ? 4096 : 0; at + 4096 <= st.st_size; at += 4096)
		ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), at), (ssize_t)sizeof(junk));
	close(fd);
	assert_refused(NULL, NULL, EXIT_DAMAGED, "is damaged");
	assert_has(process_log(&p), "backup.verify");
}
END_TEST

START_TEST(test_open_doors)
{
	first_run();
	ck_assert_int_eq(chmod(p.data, 0755), 0);
	assert_refused(NULL, NULL, EXIT_CONFIG, "chmod 700");
	ck_assert_int_eq(chmod(p.data, 0700), 0);
	ck_assert_int_eq(chmod(in_dir("data/wallet.db"), 0644), 0);
	assert_refused(NULL, NULL, EXIT_CONFIG, "chmod 600");
}
END_TEST

START_TEST(test_datadir_in_the_way)
{
	write_file(p.data, "a file", 0600);
	assert_refused(NULL, NULL, EXIT_CONFIG, "is not a directory");
}
END_TEST

/* --- the wallet --- */

START_TEST(test_unlock_at_start)
{
	const char *right = in_dir("right"), *wrong = in_dir("wrong");
	char flag[200], credentials[200];

	write_file(right, "correct horse\n", 0600);
	write_file(wrong, "battery staple\n", 0600);
	process_start_ready(&p, NULL, NULL);
	assert_has(process_call(&p, "wallet.create", "{\"passphrase\":\"correct horse\"}"), "\"result\"");
	process_signal(&p, SIGTERM);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_OK);

	process_start_ready(&p, NULL, NULL); /* without one it starts, locked */
	assert_has(p.told, "STATUS=regtest, wallet: locked");
	process_signal(&p, SIGTERM);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_OK);

	snprintf(flag, sizeof(flag), "--passphrase_file=%s", right);
	process_start_ready(&p, LIST(flag), NULL);
	assert_has(p.told, "STATUS=regtest, 0 actions in flight");
	ck_assert_ptr_null(strstr(process_log(&p), "horse"));
	process_signal(&p, SIGTERM);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_OK);

	snprintf(flag, sizeof(flag), "--passphrase_file=%s", wrong);
	assert_refused(LIST(flag), NULL, EXIT_CONFIG, "cannot be unlocked");
	ck_assert_ptr_null(strstr(process_log(&p), "staple"));

	/* The credential goes before the file. */
	ck_assert_int_eq(mkdir(in_dir("credentials"), 0700), 0);
	write_file(in_dir("credentials/walletd.passphrase"), "correct horse", 0400);
	snprintf(credentials, sizeof(credentials), "CREDENTIALS_DIRECTORY=%s", in_dir("credentials"));
	process_start_ready(&p, LIST(flag), LIST(credentials));
	assert_has(p.told, "STATUS=regtest, 0 actions in flight");
}
END_TEST

/* --- configuration --- */

START_TEST(test_commands)
{
	static const struct {
		const char *flag;
		int code;
		const char *says;
	} rows[] = {
		{ "--help", EXIT_OK, "usage: walletd" },
		{ "--version", EXIT_OK, "walletd 0." },
		{ "--check-conf", EXIT_OK, "network=regtest  # --network" },
		{ "--print-example-conf", EXIT_OK, "#max_inflight=256" },
		{ "--print-config-reference", EXIT_OK, "# Configuration" },
		{ "--print-rpc-reference", EXIT_OK, "wallet.create" },
		{ "--max_inflight=none", EXIT_USAGE, "--max_inflight: max_inflight: \"none\" is not a whole number" },
		{ "--datadri=/x", EXIT_USAGE, "did you mean datadir?" },
		{ "--conf=/nowhere", EXIT_CONFIG, "cannot read the configuration /nowhere" },
		{ "--passphrase_file=/nowhere", EXIT_CONFIG, "/nowhere" },
		{ "--proxy=socks5h://", EXIT_USAGE, "proxy" },
		{ "--rpc_listen=8.8.8.8:8338", EXIT_CONFIG, "loopback" },
		{ "--rpc_socket_group=no-such-group", EXIT_CONFIG, "there is no group" },
		{ "--ca_file=/nowhere", EXIT_CONFIG, "/nowhere" },
	};

	process_start(&p, LIST(rows[_i].flag), NULL);
	ck_assert_msg(process_wait(&p, LONG_MS) == rows[_i].code, "%s: %s", rows[_i].flag, process_log(&p));
	assert_has(process_log(&p), rows[_i].says);
	if (rows[_i].code == EXIT_OK)
		ck_assert_int_ne(access(p.data, F_OK), 0); /* whoever only asks leaves nothing behind */
}
END_TEST

START_TEST(test_check_conf)
{
	char flag[200], password[200];

	write_file(in_dir("c.conf"), "log_level=info\nretention_dais=3\n", 0600);
	snprintf(flag, sizeof(flag), "--conf=%s", in_dir("c.conf"));
	assert_refused(LIST("--check-conf", flag), NULL, EXIT_CONFIG, "c.conf:2: unknown option \"retention_dais\"");
	write_file(in_dir("c.conf"), "retention_days=3\n", 0600);
	ck_assert_int_eq(mkdir(p.data, 0750), 0);
	assert_refused(LIST("--check-conf", flag), NULL, EXIT_CONFIG, "chmod 700");
	ck_assert_int_eq(chmod(p.data, 0700), 0);
	write_file(in_dir("pass"), "x\n", 0640);
	snprintf(password, sizeof(password), "--passphrase_file=%s", in_dir("pass"));
	assert_refused(LIST("--check-conf", flag, password), NULL, EXIT_CONFIG, "chmod 600");
	assert_refused(LIST("--check-conf", flag), NULL, EXIT_OK, "retention_days=3  # ");
}
END_TEST

/* --- the outbox --- */

#define CHAIN    "--evm_chain=31337 confirmations=1 rpc=http://127.0.0.1:1/hunter2"
#define CONTRACT "0x5FbDB2315678afecb367f032d93F642f64180aa3"
#define APPEND                                                                                                         \
	"{\"directive_id\":\"w-1\",\"action_key\":\"system_withdraw_token\","                                          \
	"\"account\":\"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\",\"payload\":\""                                    \
	"0x0000000000000000000000005fbdb2315678afecb367f032d93f642f64180aa3"                                           \
	"00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8"                                             \
	"00000000000000000000000000000000000000000000000000000000000f4240\"}"

/* No node answers.  What is accepted waits, through a restart, and nobody is told the key in the URL. */
START_TEST(test_outbox)
{
	static const char *const flags[] = { CHAIN, "--outbox_space=31337 signer=hd:0 contract=" CONTRACT,
					     "--allow_plaintext_seed=1", NULL };
	static const char *const asked[] = { "status", "config.show", "outbox.lanes", "outbox.spaces",
					     "directive.stats" };

	process_start_ready(&p, flags, NULL);
	assert_has(process_call(&p, "directive.append", APPEND), "wallet_locked"); /* no signer without a wallet */
	assert_has(process_call(&p, "wallet.create", NULL), "\"state\":\"unlocked\"");
	assert_has(process_call(&p, "directive.append", APPEND), "\"outcome\":\"created\"");
	assert_has(process_call(&p, "status", NULL), "{\"name\":\"outbox\",\"interval_ms\":5000,");
	process_signal(&p, SIGUSR1);
	ck_assert(process_wait_log(&p, "event=task.state task=outbox"));
	process_signal(&p, SIGTERM);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_OK);
	ck_assert_ptr_null(strstr(process_log(&p), "hunter2"));

	process_start_ready(&p, flags, NULL);
	assert_has(process_call(&p, "directive.append", APPEND), "\"outcome\":\"existing\"");
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		const char *answer = process_call(&p, asked[i], NULL);

		assert_has(answer, "\"result\"");
		ck_assert_msg(strstr(answer, "hunter2") == NULL, "%s", answer);
	}
	assert_has(process_get(&p, "/metrics"), "walletd_directive_outbox_rows{delivery_status=\"pending\"} 1");
	process_signal(&p, SIGKILL);
	ck_assert_int_eq(process_wait(&p, LONG_MS), 128 + SIGKILL);

	/* Without its configuration the work is still there, and that is said. */
	process_start_ready(&p, LIST("--allow_plaintext_seed=1"), NULL);
	assert_has(process_call(&p, "status", NULL), "outbox_not_configured");
	assert_has(process_call(&p, "directive.append", APPEND), "bad_config");
}
END_TEST

START_TEST(test_shared_outbox_looks_often)
{
	process_start_ready(&p, LIST(CHAIN, "--shared_state=1"), NULL);
	assert_has(process_call(&p, "status", NULL), "{\"name\":\"outbox\",\"interval_ms\":1000,");
	assert_has(process_call(&p, "directive.append", APPEND), "unknown_signer"); /* a chain, and no space */
}
END_TEST

static void make_keys_dir(void)
{
	char keys[160];

	ck_assert_int_eq(mkdir(p.data, 0700), 0);
	snprintf(keys, sizeof(keys), "%s/keys", p.data);
	ck_assert_int_eq(mkdir(keys, 0700), 0);
}

static void write_key(const char *name, mode_t mode)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/keys/%s", p.data, name);
	write_file(path, "{}\n", mode);
}

/* At start a key that is missing holds its space alone; a check tells. */
START_TEST(test_key_files)
{
	static const char *const check[] = { "--check-conf", CHAIN " relayer=file:hot",
					     "--outbox_space=31337 signer=file:cold contract=" CONTRACT, NULL };

	make_keys_dir();
	assert_refused(check, NULL, EXIT_CONFIG, "there is no key file");
	write_key("hot.json", 0600);
	assert_refused(check, NULL, EXIT_CONFIG, "keys/hot.password");
	write_key("hot.password", 0600);
	assert_refused(check, NULL, EXIT_CONFIG, "keys/cold.json");
	write_key("cold.json", 0644);
	write_key("cold.password", 0600);
	assert_refused(check, NULL, EXIT_CONFIG, "chmod 600");
	write_key("cold.json", 0600);
	assert_refused(check, NULL, EXIT_OK, "rpc=http://127.0.0.1:1/***");
	process_start_ready(&p, check + 1, NULL);
	assert_has(process_call(&p, "status", NULL), "\"attention\"");
}
END_TEST

static const struct {
	const char *flags[2];
	int code;
	const char *says;
} outbox_refusals[] = {
	{ { "--evm_chain=31337 rpc=http://127.0.0.1:1" }, EXIT_CONFIG, "needs confirmations" },
	{ { "--outbox_space=31337 signer=hd:0 contract=" CONTRACT }, EXIT_CONFIG, "of which no evm_chain tells" },
	{ { CHAIN, "--outbox_space=31337 signer=hd:0 contract=0x5fbDB2315678afecb367f032d93F642f64180aa3" },
	  EXIT_CONFIG,
	  "bad_checksum" },
	{ { "--evm_chain=31337 confirmations=1 rpc=http://u:hunter2@h/hunter2 lanes=no" },
	  EXIT_USAGE,
	  "needs lanes to be a whole number" },
};

START_TEST(test_outbox_refusals)
{
	assert_refused(outbox_refusals[_i].flags[1] ? LIST(outbox_refusals[_i].flags[0], outbox_refusals[_i].flags[1])
						    : LIST(outbox_refusals[_i].flags[0]),
		       NULL, outbox_refusals[_i].code, outbox_refusals[_i].says);
	ck_assert_ptr_null(strstr(process_log(&p), "hunter2"));
}
END_TEST

START_TEST(test_reload)
{
	const char *conf = in_dir("c.conf"), *log = in_dir("log.1"), *moved = in_dir("log.2");
	char flag[200], text[400];

	snprintf(flag, sizeof(flag), "--conf=%s", conf);
	snprintf(text, sizeof(text), "log_file=%s\nlog_level=warn\n", log);
	write_file(conf, text, 0600);
	process_start_ready(&p, LIST(flag), NULL);
	snprintf(p.log, sizeof(p.log), "%s", log);
	ck_assert_ptr_null(strstr(process_log(&p), "event=daemon.ready"));

	/* What can be changed is, what cannot is told, and the log file is a new one. */
	ck_assert_int_eq(rename(log, moved), 0);
	snprintf(text, sizeof(text), "log_file=%s\nlog_level=info\nrpc_max_connections=64\nrpc_uid_scope=%u:read\n",
		 log, (unsigned)getuid());
	write_file(conf, text, 0600);
	process_signal(&p, SIGHUP);
	ck_assert(process_wait_log(&p, "event=config.reloaded"));
	snprintf(p.log, sizeof(p.log), "%s", moved);
	assert_has(process_log(&p), "event=config.needs_restart option=rpc_max_connections");
	snprintf(p.log, sizeof(p.log), "%s", log);
	assert_has(process_call(&p, "config.show", NULL), "forbidden"); /* only a reader now */

	/* One that is wrong changes nothing. */
	write_file(conf, "max_inflight=lots\n", 0600);
	process_signal(&p, SIGHUP);
	ck_assert(process_wait_log(&p, "event=config.reload_failed"));
	assert_has(process_log(&p), "c.conf:1: max_inflight");
	assert_has(process_call(&p, "status", NULL), "\"result\"");

	snprintf(text, sizeof(text), "log_file=%s\n", log);
	write_file(conf, text, 0600);
	process_signal(&p, SIGHUP);
	ck_assert(process_wait_told(&p, "READY=1"));
	for (int i = 0; i < 200 && !strstr(process_call(&p, "config.show", NULL), "\"value\":\"256\""); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	assert_has(process_call(&p, "config.show", NULL), "\"value\":\"256\""); /* in force all the time */
}
END_TEST

/* --- systemd --- */

START_TEST(test_socket_activation)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;

	snprintf(p.socket, sizeof(p.socket), "%s/activated.sock", p.dir);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", p.socket);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	p.listener = fd;
	process_start_ready(&p, NULL, NULL);
	close(fd);
	assert_has(process_call(&p, "status", NULL), "\"result\"");
	ck_assert_int_ne(stat(in_dir("data/rpc.sock"), &st), 0); /* and none of its own beside it */
	process_signal(&p, SIGTERM);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_OK);
	ck_assert_int_eq(stat(p.socket, &st), 0); /* the service manager's socket is not ours to remove */
}
END_TEST

START_TEST(test_socket_activation_wrong)
{
	p.listener = socket(AF_UNIX, SOCK_STREAM, 0); /* does not listen */
	assert_refused(NULL, NULL, EXIT_CONFIG, "is not a listening socket");
	close(p.listener);
}
END_TEST

START_TEST(test_watchdog)
{
	process_start_ready(&p, NULL, LIST("WATCHDOG_USEC=100000"));
	ck_assert(process_wait_told(&p, "WATCHDOG=1"));
	/* A process that does not run does not say that it does. */
	process_signal(&p, SIGSTOP);
	ck_assert_int_eq(process_wait(&p, 100), -1);
	p.told[0] = '\0';
	ck_assert_int_eq(process_wait(&p, 400), -1);
	ck_assert_str_eq(p.told, "");
	process_signal(&p, SIGCONT);
	ck_assert(process_wait_told(&p, "WATCHDOG=1"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("process");
	TCase *t = tcase_create("process");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_life);
	tcase_add_test(t, test_stop_by_rpc);
	tcase_add_test(t, test_stop_with_idle_clients);
	tcase_add_loop_test(t, test_grace, 0, 2);
	tcase_add_test(t, test_killed_and_started_again);
	tcase_add_test(t, test_second_instance);
	tcase_add_test(t, test_two_that_share);
	tcase_add_test(t, test_newer_schema);
	tcase_add_test(t, test_other_network);
	tcase_add_test(t, test_not_our_database);
	tcase_add_loop_test(t, test_damaged_database, 0, 2);
	tcase_add_test(t, test_open_doors);
	tcase_add_test(t, test_datadir_in_the_way);
	tcase_add_test(t, test_unlock_at_start);
	tcase_add_loop_test(t, test_commands, 0, 14);
	tcase_add_test(t, test_check_conf);
	tcase_add_test(t, test_outbox);
	tcase_add_test(t, test_shared_outbox_looks_often);
	tcase_add_test(t, test_key_files);
	tcase_add_loop_test(t, test_outbox_refusals, 0, (int)ARRAY_LEN(outbox_refusals));
	tcase_add_test(t, test_reload);
	tcase_add_test(t, test_socket_activation);
	tcase_add_test(t, test_socket_activation_wrong);
	tcase_add_test(t, test_watchdog);
	suite_add_tcase(s, t);
	return suite_run(s);
}
