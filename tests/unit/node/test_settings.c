#include "node/settings.h"

#include "gateway/tls_identity.h"
#include "tests/unit/gateway/tls_fixture.h"

#include <sys/stat.h>

static struct settings settings;
static struct config_error error;
static char folder[] = "/tmp/quorex-settings-XXXXXX";
static char config_path[64], certificate_path[64], key_path[64];
static char *arguments[] = {"--config", config_path, "--port", "9001"};
static char *const environment[] = {NULL};

static void put_file(const char *path, const char *text, mode_t mode)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void put_certificate(long begins_s, long expires_s)
{
    struct tls_texts texts = tls_make_for("node", begins_s, expires_s);
    put_file(certificate_path, texts.chain, 0644);
    put_file(key_path, texts.key, 0600);
    tls_texts_free(&texts);
}

/* The file's lines, and the certificate's when it has one. */
static void put_config(const char *lines, bool has_tls)
{
    char text[1024];
    snprintf(text, sizeof(text), "%s\ntls_certificate = %s\ntls_key = %s\n", lines,
             has_tls ? certificate_path : "", has_tls ? key_path : "");
    put_file(config_path, text, 0644);
}

static void make_folder(void)
{
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    snprintf(config_path, sizeof(config_path), "%s/quorex.conf", folder);
    snprintf(certificate_path, sizeof(certificate_path), "%s/certificate", folder);
    snprintf(key_path, sizeof(key_path), "%s/key", folder);
}

static void remove_folder(void)
{
    unlink(config_path);
    unlink(certificate_path);
    unlink(key_path);
    assert_int_equal(rmdir(folder), 0);
}

static bool load(void)
{
    return settings_load(&settings, 4, arguments, environment, &error);
}

static void free_settings(struct gateway_settings *gateway)
{
    tls_identity_free(gateway->identity);
    free(gateway);
}

static const char *refusal(const char *lines)
{
    static char told[256];
    put_file(config_path, lines, 0644);
    if (load()) return "";
    snprintf(told, sizeof(told), "%s: %s", error.key, error.reason);
    return told;
}

/* What would mean nothing, or could not be told as it is, does not start a node. */
TEST(settings, are_checked_together)
{
    make_folder();
    assert_string_equal(refusal("tls_certificate = a\n"),
                        "tls_key: is missing: a certificate and its key are named together");
    assert_string_equal(
        refusal("tls_key = a\n"),
        "tls_certificate: is missing: a certificate and its key are named together");
    assert_string_equal(refusal("tls_key = a\ntls_certificate = b\n"), "");
    assert_string_equal(refusal("elsewhere = https://a.example:8443,wss://[::1]:1/x\n"), "");
    static const char *const bad[] = {"a.example",       "https://",          "https://a,",
                                      ",https://a",      "https://a, ws://b", "https://a\\",
                                      "https://\"a\"",   "ftp://a",           "https://a,,ws://b",
                                      "https://a?x={1}", "https://a b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "elsewhere = %s\n", bad[i]);
        assert_string_equal(refusal(line),
                            "elsewhere: must be URLs with commas, and nothing between them");
    }
    remove_folder();
}

/* An origin that no browser writes would let nobody in, and nobody would know why. */
TEST(settings, origins_are_as_browsers_write_them)
{
    static const char *const good[] = {"", "*", "https://a.example, http://b-c.example:8080,*",
                                       "https://[::1]:1", "app+x://localhost"};
    static const char *const bad[] = {"a.example",
                                      "https://A.example",
                                      "HTTPS://a.example",
                                      "https://a/",
                                      "https://a:",
                                      "https://a:123456",
                                      "https://",
                                      "https://[::1",
                                      "https://*.example",
                                      "https://a;x://b",
                                      "**",
                                      "null",
                                      "https://a,b.example"};
    char line[128];
    make_folder();
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(line, sizeof(line), "origins = %s\n", good[i]);
        assert_string_equal(refusal(line), "");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(line, sizeof(line), "origins = %s\n", bad[i]);
        assert_string_equal(
            refusal(line),
            "origins: must be scheme://host or scheme://host:port in lower case, or *");
    }
    remove_folder();
}

TEST(settings, certificate_comes_from_two_files)
{
    struct tls_identity *identity;
    make_folder();
    put_config("", false);
    assert_true(load());
    assert_int_equal(settings_identity(&settings.config, &identity), STATUS_OK);
    assert_null(identity);

    put_config("", true);
    assert_true(load());
    assert_int_equal(settings_identity(&settings.config, &identity), STATUS_NOT_FOUND);
    put_certificate(-TLS_DAY_S, TLS_DAY_S);
    assert_int_equal(settings_identity(&settings.config, &identity), STATUS_OK);
    assert_non_null(identity);
    tls_identity_free(identity);
    /* As of every key: others may not open it. */
    assert_int_equal(chmod(key_path, 0640), 0);
    assert_int_equal(settings_identity(&settings.config, &identity), STATUS_MALFORMED);
    assert_null(identity);
    put_file(key_path, "nothing", 0600);
    assert_int_equal(settings_identity(&settings.config, &identity), STATUS_MALFORMED);
    remove_folder();
}

/* What may change goes to the gateway; the command line stands above the file, then as before. */
TEST(settings, what_may_change_is_read_again)
{
    make_folder();
    put_config("header_s = 5\nlimits = on\naddress_connections_max = 7\nport = 1", false);
    assert_true(load());
    assert_int_equal(settings.config.port, 9001);
    put_config("header_s = 6\nlimits = off\nelsewhere = https://b\norigins = https://c\n"
               "connections_max = 70\npeer_port = 5",
               false);
    struct gateway_settings *gateway = settings_read_again(&settings);
    assert_non_null(gateway);
    assert_int_equal(gateway->limits.header_ms, 6000);
    assert_false(gateway->limits_on);
    assert_int_equal(gateway->limits.address_connections_max, 0);
    assert_int_equal(gateway->connections_max, 70);
    assert_string_equal(gateway->elsewhere, "https://b");
    assert_string_equal(gateway->origins, "https://c");
    assert_null(gateway->identity);
    free_settings(gateway);
    assert_int_equal(settings.config.header_s, 6);
    assert_int_equal(settings.config.port, 9001);
    assert_int_equal(settings.config.peer_port, 8580); /* at the next start */
    remove_folder();
}

/* A file that is wrong, or gone, changes nothing at all, and can be mended. */
TEST(settings, bad_file_changes_nothing)
{
    make_folder();
    put_config("header_s = 5", false);
    assert_true(load());
    put_config("header_s = 6\nbody_s = x", false);
    assert_null(settings_read_again(&settings));
    put_config("header_s = 6\nelsewhere = nowhere", false);
    assert_null(settings_read_again(&settings));
    unlink(config_path);
    assert_null(settings_read_again(&settings));
    assert_int_equal(settings.config.header_s, 5);
    put_config("header_s = 6", false);
    struct gateway_settings *gateway = settings_read_again(&settings);
    assert_non_null(gateway);
    free_settings(gateway);
    remove_folder();
}

/* Nor does a certificate that cannot be used: the other settings wait as well, so that nobody believes it was taken. */
TEST(settings, bad_certificate_changes_nothing)
{
    make_folder();
    put_certificate(-TLS_DAY_S, TLS_DAY_S);
    put_config("header_s = 5", true);
    assert_true(load());
    struct gateway_settings *gateway = settings_read_again(&settings);
    assert_non_null(gateway);
    assert_non_null(gateway->identity);
    free_settings(gateway);

    put_config("header_s = 6", true);
    put_file(certificate_path, "nothing", 0644);
    assert_null(settings_read_again(&settings));
    put_certificate(-2 * TLS_DAY_S, -TLS_DAY_S); /* its time is over */
    assert_null(settings_read_again(&settings));
    put_certificate(TLS_DAY_S, 2 * TLS_DAY_S); /* its time has not come */
    assert_null(settings_read_again(&settings));
    unlink(key_path);
    assert_null(settings_read_again(&settings));
    assert_int_equal(settings.config.header_s, 5);

    put_certificate(-TLS_DAY_S, TLS_DAY_S);
    gateway = settings_read_again(&settings);
    assert_non_null(gateway);
    assert_int_equal(settings.config.header_s, 6);
    free_settings(gateway);
    remove_folder();
}

/* Clients of a port know what is spoken there. */
TEST(settings, tls_is_switched_by_a_start_alone)
{
    make_folder();
    put_certificate(-TLS_DAY_S, TLS_DAY_S);
    put_config("header_s = 5", false);
    assert_true(load());
    put_config("header_s = 6", true);
    struct gateway_settings *gateway = settings_read_again(&settings);
    assert_non_null(gateway);
    assert_null(gateway->identity);
    assert_string_equal(settings.config.tls_certificate, "");
    assert_int_equal(settings.config.header_s, 6);
    free_settings(gateway);

    assert_true(load());
    put_config("header_s = 7", false);
    gateway = settings_read_again(&settings);
    assert_non_null(gateway);
    assert_non_null(gateway->identity);
    assert_string_equal(settings.config.tls_key, key_path);
    free_settings(gateway);
    remove_folder();
}
