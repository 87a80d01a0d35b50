# Daypass's chores. `make` alone lists them.

SWIFT := swift
SWIFT_FILES := Sources Tests docs/examples Package.swift
EXAMPLE := --package-path docs/examples/acme-store --scratch-path .build
GENERATED := Sources
TEST := $(SWIFT) test --skip-build --disable-xctest --no-parallel
INTEROP := $(MAKE) --no-print-directory -C Tests/Interop

.PHONY: help deps counterparts build interop test example soak measure demo format check-format proto check-proto \
    store-matrix check-docs manifests image image-test image-measure

help: ## Lists what make can do
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

deps: ## Installs the Debian packages that are missing
	@scripts/install-debian-packages

counterparts: deps ## Installs counterparts of the tests from PyPI into .build: moto (AWS), OpenTelemetry's messages
	@scripts/install-moto || echo "no moto: the tests against it are skipped"
	@scripts/install-opentelemetry || echo "no opentelemetry-proto: the tests of exported spans are skipped"

build: deps ## Builds everything but the tests
	$(SWIFT) build

interop: deps ## Builds the two clients that play the driver, and checks them against a stand-in provider
	$(INTEROP) -j2 all
	$(INTEROP) check

test: interop counterparts ## Runs every test
	$(SWIFT) build --build-tests
	scripts/check-manifests --daypass .build/debug/daypass
	$(SWIFT) test --skip-build --disable-xctest --no-parallel

manifests: deps ## Checks daemonset/: kustomize, the chart, the samples
	@$(SWIFT) build --product daypass
	scripts/check-manifests --daypass .build/debug/daypass

example: deps ## Builds and tests the example package that adds a token store from outside
	$(SWIFT) build $(EXAMPLE) --build-tests
	$(SWIFT) test $(EXAMPLE) --skip-build --disable-xctest
	.build/debug/acme-daypass stores acme

store-matrix: deps ## Writes the matrix of docs/stores/README.md
	@$(SWIFT) build --product daypass
	@scripts/store-matrix .build/debug/daypass

check-docs: deps ## Fails when the matrix of docs/stores/README.md is not what the stores declare
	@$(SWIFT) build --product daypass
	@scripts/store-matrix .build/debug/daypass --check

soak: deps ## Plays many random lives of a node whose daemon is killed (RUNS=200)
	$(SWIFT) build --build-tests
	DAYPASS_SOAK_RUNS=$(or $(RUNS),200) DAYPASS_PROPERTY_RUNS=$$((10 * $(or $(RUNS),200))) \
	    $(SWIFT) test --skip-build --disable-xctest --no-parallel --filter 'SoakTests|PropertyTests'

measure: deps ## Prints how fast ends are noticed and how long a restart takes (DAYPASS_BINARY=a release build)
	$(SWIFT) build --build-tests
	DAYPASS_MEASURE=1 $(SWIFT) test --skip-build --disable-xctest --no-parallel --filter MeasureTests >.build/measure.log
	@grep MEASURED .build/measure.log

# A release build with everything in it takes ten minutes on two cores.
image: ## Builds the image as an OCI archive, and its SBOM, in .build/image (docs/image.md)
	@scripts/install-debian-packages debian-packages-image.txt
	scripts/build-release
	scripts/build-image

IMAGE = $(CURDIR)/.build/image/daypass.oci.tar

image-test: interop ## Tests the image that make image built: in runc, its binary, its libcurl, its SBOM
	@scripts/install-spdx-tools || echo "no spdx-tools: the SBOM is not validated"
	scripts/check-image $(IMAGE)
	$(SWIFT) build --build-tests
	DAYPASS_IMAGE=$(IMAGE) $(TEST) --filter ContainerTests
	DAYPASS_BINARY=$(CURDIR)/.build/image/rootfs/usr/bin/daypass $(TEST) --filter 'DaypassCommandsTests|InteropTests/'
	LD_LIBRARY_PATH=$(CURDIR)/.build/image/archives/shared $(TEST) --filter HTTPTransferTests

image-measure: interop ## Prints how fast the image starts and what memory it takes
	$(SWIFT) build --build-tests
	DAYPASS_MEASURE=1 DAYPASS_IMAGE=$(IMAGE) $(TEST) --filter ContainerMeasureTests >.build/measure-image.log
	@grep MEASURED .build/measure-image.log

demo: deps ## Plays one build, end to end, on this machine
	@$(SWIFT) build --product daypass
	@$(SWIFT) build --product daypass-demo
	@.build/debug/daypass-demo --daypass .build/debug/daypass

format: ## Formats the sources
	$(SWIFT) format -i -r $(SWIFT_FILES)
	gofmt -w Tests/Interop/go

check-format: ## Fails when a source is not formatted
	$(SWIFT) format lint -s -r $(SWIFT_FILES)
	@unformatted=$$(gofmt -l Tests/Interop/go); [ -z "$$unformatted" ] || { echo "not gofmt'ed: $$unformatted"; exit 1; }

proto: deps ## Generates Sources/ProviderAPI and Sources/DepotAPI from proto/
	$(call generate,$(GENERATED)/ProviderAPI,provider)
	$(call generate,$(GENERATED)/DepotAPI,depot)
	$(call generate,$(GENERATED)/DepotAPI,health)

check-proto: deps ## Fails when the generated sources are not what proto/ says
	@rm -rf .build/generated && mkdir -p .build/generated/ProviderAPI .build/generated/DepotAPI
	$(call generate,.build/generated/ProviderAPI,provider)
	$(call generate,.build/generated/DepotAPI,depot)
	$(call generate,.build/generated/DepotAPI,health)
	diff -ru $(GENERATED)/ProviderAPI .build/generated/ProviderAPI
	diff -ru $(GENERATED)/DepotAPI .build/generated/DepotAPI

# Writes $(2).pb.swift into the folder $(1), with the plugin of the package that also reads the messages.
define generate
	$(SWIFT) build --product protoc-gen-swift
	protoc --plugin=protoc-gen-swift=.build/debug/protoc-gen-swift \
	    --swift_opt=Visibility=Package --swift_opt=UseAccessLevelOnImports=true \
	    --swift_out=$(1) --proto_path=proto proto/$(2).proto
endef
