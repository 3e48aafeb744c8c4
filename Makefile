# Belfry. `make run` starts the station with a demo building; `make check` runs every test. Both install what they need.
#   make [MODE=debug|release|asan|tsan]   compile into build/MODE     make unit          the unit tests of one mode
#   make bench                            the measurements            make lint          what a reader would object to
#   make test T=name                      some tests, by name         make install PREFIX=/usr/local
#   make fuzz F=smtp_reply T=600          libFuzzer on a parser (tests/fuzz/driver.h lists them), for so many seconds
MODE ?= debug
OUT := build/$(MODE)
PACKAGES := libmicrohttpd gnutls sqlite3 jansson libgpiod libuv gmime-3.0 libsodium libical libcrypto libseccomp cairo libcurl
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local

CC ?= gcc
WARN := -Wall -Wextra -Wshadow -Wconversion -Werror -Wno-override-init
FLAGS_debug := -Og -g
FLAGS_release := -O2 -g -DNDEBUG -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
FLAGS_asan := -Og -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan := -Og -g1 -fsanitize=thread
FLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -Wno-error
DEFINES = -D_GNU_SOURCE -DBELFRY_WWW='"$(PREFIX)/share/belfry/www"'
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
CFLAGS = -std=gnu11 $(DEFINES) $(WARN) $(FLAGS_$(MODE)) -I. -pthread $(PACKAGE_CFLAGS)
LDLIBS := $(if $(filter release,$(MODE)),-ljemalloc) $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
QUICK_LINKER := $(if $(shell command -v ld.gold),-fuse-ld=gold) # a third of the time; there are many unit programs

SOURCES := $(sort $(wildcard station/*.c station/*/*.c services/*/*.c services/*/*/*.c drivers/*.c drivers/*/*.c db/*/*.c web/*.c))
# libgpiod has two generations under one name; drivers/gpio has a file for each.
SOURCES := $(filter-out drivers/gpio/gpio_line_$(if $(shell pkg-config --atleast-version=2 libgpiod && echo 2),v1,v2).c,$(SOURCES))
HEADERS := $(sort $(wildcard station/*.h station/*/*.h services/*/*.h services/*/*/*.h drivers/*.h drivers/*/*.h db/*/*.h web/*.h))
OBJECTS := $(filter-out $(OUT)/station/main.o,$(SOURCES:%.c=$(OUT)/%.o))
UNIT := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/*_test.c))
TIDY := $(patsubst %/,build/tidy/%/ok,$(sort $(dir $(SOURCES))))
NODE_MODULES := tests/node_modules/.package-lock.json
VENDOR := www/vendor/uPlot.js

.PHONY: all run check test bench fuzz install unit unit-programs lint tidy format format-check clean
all: $(VENDOR) $(OUT)/belfry $(if $(filter debug release,$(MODE)),build/belfry)

# --- the two commands -------------------------------------------------------------------------------------------
run:
	@packaging/install.sh build
	@$(MAKE) --no-print-directory -s -j$(JOBS) MODE=release all
	@echo "Starting a station with a demo building; its data is in build/demo. Stop it with Ctrl-C."
	@exec build/belfry run --data build/demo --demo $(ARGS)

check:
	@packaging/install.sh build check vm
	@for mode in release asan tsan; do echo "Compiling $$mode"; \
		case $$mode in *san) unit=unit-programs ;; esac; \
		$(MAKE) --no-print-directory -s -j$(JOBS) MODE=$$mode all $$unit || exit 1; done
	@$(MAKE) --no-print-directory -s test

# --- tests and measurements -------------------------------------------------------------------------------------
test: $(NODE_MODULES)
	@node tests/support/run.mjs $(T)

bench:
	@packaging/install.sh build check bench
	@$(MAKE) --no-print-directory -s -j$(JOBS) MODE=release all build/release/bare_mhd build/release/bare_scan build/release/bare_mail build/release/scale build/release/wires build/release/bombs build/release/browsers $(NODE_MODULES)
	@node tests/bench/bench.mjs

# New inputs go to build/fuzz; those worth keeping (-merge=1) to tests/fuzz/corpus, which every check replays.
fuzz:
	@packaging/install.sh build fuzz
	@$(MAKE) --no-print-directory -s -j$(JOBS) MODE=fuzz CC=clang build/fuzz/$(F)
	@mkdir -p build/fuzz/corpus/$(F)
	@build/fuzz/$(F) -max_total_time=$(or $(T),60) -timeout=20 -rss_limit_mb=1024 -dict=tests/fuzz/$(F).dict \
		-artifact_prefix=build/fuzz/$(F)- build/fuzz/corpus/$(F) tests/fuzz/corpus/$(F)

$(NODE_MODULES): tests/package-lock.json
	@echo "Installing with npm (for the tests, into tests/node_modules): $$(sed -n '/devDependencies/,/}/s/^ *"\([a-z-]*\)": "\([0-9.]*\)".*/\1 \2/p' tests/package.json | paste -sd,)"
	@cd tests && npm ci --no-progress --loglevel=error

# The chart library of the page. Without it the station works, and shows tables instead of charts.
$(VENDOR): www/package-lock.json
	@echo "Installing with npm (for the page, into www/vendor): $$(sed -n '/"dependencies"/,/}/s/^ *"\([a-z]*\)": "\([0-9.]*\)".*/\1 \2/p' www/package.json)"
	@mkdir -p www/vendor && (cd www && npm ci --no-progress --loglevel=error) && cp www/node_modules/uplot/dist/uPlot.esm.js www/vendor/uPlot.js && \
		cp www/node_modules/uplot/dist/uPlot.min.css www/vendor/uPlot.css || echo "npm failed: the page will show no charts" >&2

unit-programs: $(UNIT)
unit: $(UNIT)
	@for t in $(UNIT); do $$t || exit 1; done

# --- what a reader would object to ------------------------------------------------------------------------------
lint: format-check tidy
	@node tests/lint/lint.mjs

format:
	@clang-format -i $(SOURCES) $(HEADERS) $(wildcard tests/unit/*.[ch] tests/fuzz/*.[ch] tests/bench/*.c)

format-check:
	@clang-format --dry-run -Werror --ferror-limit=3 $(SOURCES) $(HEADERS) $(wildcard tests/unit/*.[ch] tests/fuzz/*.[ch] tests/bench/*.c)

# The analyzer takes twenty times as long as all other checks together: `make check` leaves it to `make lint`.
# A folder to a process: to start it and to open the system's headers for the first time takes longer than a file does.
tidy:
	@$(MAKE) --no-print-directory -s -k -j$(JOBS) $(TIDY)

.SECONDEXPANSION:
build/tidy/%/ok: $$(filter $(SOURCES),$$(wildcard $$*/*.c)) .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $(TIDY_FLAGS) $(filter $(if $(filter .clang-tidy,$?),%.c,$?),$(filter %.c,$^)) -- -std=gnu11 -I. $(DEFINES) \
		$(DEFINE_LANGUAGES) $(PACKAGE_CFLAGS) 2>$@.log || { cat $@.log >&2; exit 1; }
	@$(if $(TIDY_FLAGS),,touch $@)

# --- the program ------------------------------------------------------------------------------------------------
build/belfry: $(OUT)/belfry
	@ln -sfn $(MODE)/belfry $@

$(OUT)/belfry: $(OUT)/station/main.o $(OUT)/libbelfry.a
	@echo "  $@"
	@$(CC) $(CFLAGS) $(LDFLAGS_$(MODE)) -o $@ $^ $(LDLIBS)

$(OUT)/libbelfry.a: $(OBJECTS)
	@rm -f $@; ar rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D); echo "  $<"
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/db/sqlite/schema.o: $(wildcard db/schema/*.sql)

# Each language of the mails is a file called by its code; language.c hears which there are.
DEFINE_LANGUAGES := -DBELFRY_LANGUAGES='$(foreach code,$(sort $(filter-out language,$(notdir $(basename $(wildcard services/email/language/*.c))))),LANGUAGE($(code)))'
$(OUT)/services/email/language/language.o: DEFINES += $(DEFINE_LANGUAGES)
$(OUT)/services/email/language/language.o: $(wildcard services/email/language/*.c)

$(OUT)/unit/%: tests/unit/%.c $(OUT)/libbelfry.a
	@mkdir -p $(@D); echo "  $<"
	@$(CC) $(CFLAGS) $(QUICK_LINKER) -MMD -MP -o $@ $< $(OUT)/libbelfry.a $(LDLIBS) -lcmocka

build/fuzz/%: tests/fuzz/%_fuzz.c tests/fuzz/libfuzzer.c $(OUT)/libbelfry.a
	@$(CC) $(CFLAGS) -fsanitize=fuzzer -DTARGET=$*_fuzz -o $@ $^ $(LDLIBS)

build/release/bare_%: tests/bench/bare_%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< $(LDLIBS)

build/release/scale build/release/wires build/release/browsers build/release/bombs: build/release/%: tests/bench/%.c build/release/libbelfry.a
	$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

install:
	@$(MAKE) --no-print-directory -s -j$(JOBS) MODE=release all
	install -D -m 755 -s build/release/belfry $(DESTDIR)$(PREFIX)/bin/belfry
	cd www && find index.html css icons js vendor -type f -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/belfry/www/{} \;

clean:
	rm -rf build tests/node_modules www/node_modules www/vendor

-include $(wildcard $(OBJECTS:.o=.d) $(OUT)/station/main.d $(addsuffix .d,$(UNIT)))
