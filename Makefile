# Everything a machine without ROS needs: `make help`. Each target makes the virtual environment
# first if it is missing or older than what it is made of.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# The newest supported Python that has headers and venv, else the newest that runs: a shim of pyenv
# may lie on PATH and not run. Looked for once, and only if a target needs it.
PYTHON ?= $(eval PYTHON := $(shell .ci/pythons --newest))$(PYTHON)
VENV := .venv
BIN := $(VENV)/bin
COLCON := .colcon
UV := .venv-uv/bin/uv
PYPI := --default-index https://pypi.org/simple

# Of another environment's Python or workspace; each breaks the imports of this one.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV AMENT_PREFIX_PATH COLCON_PREFIX_PATH CMAKE_PREFIX_PATH
unexport RMW_IMPLEMENTATION ROS_LOCALHOST_ONLY
ifdef _ROS_WHEELS_BOOTSTRAP_COMPLETE  # make was called by a Python that runs on ROS wheels
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE LD_LIBRARY_PATH
endif
# A simulated robot is nobody else's business on the network.
export ROS_AUTOMATIC_DISCOVERY_RANGE ?= LOCALHOST
export MUJOCO_GL ?= egl
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

MESSAGES := $(shell find gpc_msgs -type f)

MULTIARCH = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("MULTIARCH") or "")')

.PHONY: help hardware-python venv sim test faults fuzz training hardware browser pictures docs lint format colcon ci lock arm64 clean machine

help: ## Say what there is to make
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):[^#]*## /\1\t/' \
		| awk -F'\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'
	echo '  Arguments: make sim ARGS="task:=navigate seed:=3"   make test ARGS="-k spline"'

venv: $(VENV)/.complete $(VENV)/.drivers ## Make the virtual environment only

sim: $(VENV)/.complete ## A simulated Go2 pushes a box to a goal pose, live, on ROS 2
	@exec $(BIN)/gpc sim $(ARGS)

test: $(VENV)/.complete $(VENV)/.drivers ## Run all tests
	@exec $(BIN)/python -m pytest $(ARGS)

faults: $(VENV)/.complete $(VENV)/.drivers ## Put every fault into the running graph; nothing else should run meanwhile
	@exec $(BIN)/python -m pytest -m faults $(ARGS)

fuzz: $(VENV)/.complete ## Feed damaged and hostile inputs to everything that reads files; ten minutes, resumable
	@exec $(BIN)/python test/fuzz/fuzz.py $(ARGS)

training: $(VENV)/.training ## Add what training a proposal needs: torch and others

hardware: hardware-python $(VENV)/.hardware ## Add what reaching a Go2 needs: Unitree's SDK, its middleware

browser: ## Install Chromium, in which the tests look at gpc view
	@command -v chromium chromium-browser google-chrome > /dev/null && exit
	root=()
	[[ $$(id -u) == 0 ]] || root=(sudo -n)
	"$${root[@]}" apt-get update -qq
	"$${root[@]}" apt-get install -y -qq --no-install-recommends chromium > /dev/null

pictures: $(VENV)/.complete ## Make the pictures of docs/view.md
	@GPC_PICTURES=docs/images exec $(BIN)/python -m pytest -q test/view/test_browser.py test/nodes/test_live_view.py

docs: $(VENV)/.docs ## Build the documentation as a site: .site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	echo ".site/index.html"

lint: $(VENV)/.complete ## Check style and types
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.complete ## Put the code into shape
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

colcon: $(VENV)/.complete ## Build and test both packages with colcon, as a machine with ROS does
	@here=$$PWD
	mkdir -p $(COLCON)
	exec 9> $(COLCON)/lock
	flock 9
	export PATH="$$here/$(BIN):$$PATH" AMENT_PREFIX_PATH="$$here/$(VENV)"
	base=(--build-base $(COLCON)/build --install-base $(COLCON)/install)
	colcon --log-base $(COLCON)/log build "$${base[@]}" --cmake-args \
		-DCMAKE_PROJECT_INCLUDE="$$here/gpc_msgs/cmake/pip.cmake" \
		-DPython3_EXECUTABLE="$$here/$(BIN)/python" -DBUILD_TESTING=OFF
	installed="$$here/$(COLCON)/install/gpc_ros"
	for node in sim emulator mocap estimator planner bridge recorder monitor player view; do
		test -x "$$installed/lib/gpc_ros/$$node" || { echo "No program $$node for ros2 run" >&2; exit 1; }
	done
	test -f "$$installed/share/gpc_ros/launch/sim.launch.py"
	set +u  # colcon's own files read variables that are not set
	source $(COLCON)/install/local_setup.bash
	# What is installed has to find its own files, not those of the sources.
	(cd / && "$$installed/lib/gpc_ros/gpc" sim --dry-run) \
		| grep -- "--params-file $$installed/share/gpc_ros/config/planner.yaml" > /dev/null \
		|| { echo "The installed gpc does not start its own files" >&2; exit 1; }
	colcon --log-base $(COLCON)/log test "$${base[@]}" --event-handlers console_direct+ \
		--return-code-on-test-failure
	colcon test-result --test-result-base $(COLCON)/build

ci: ## What continuous integration runs, from nothing to the last check
	@.ci/run

# The present lock keeps its versions where requirements.txt allows; delete it to renew all of them.
lock: $(UV) ## Resolve requirements.txt into requirements.lock.txt, with the hashes of every file
	@folder=$$(mktemp -d)
	trap 'rm -rf "$$folder"' EXIT
	if [[ -f requirements.lock.txt ]]; then cp requirements.lock.txt "$$folder/lock"; fi
	$(UV) pip compile --quiet --no-config --universal --python-version 3.11 $(PYPI) \
		--generate-hashes --no-strip-extras --no-annotate --custom-compile-command "make lock" \
		--output-file "$$folder/lock" requirements.txt
	cp "$$folder/lock" requirements.lock.txt

arm64: $(UV) ## Resolve what a Jetson with Ubuntu 24.04 installs, without installing it
	@resolved=$$($(UV) pip compile --quiet --no-config --no-header --no-annotate $(PYPI) \
		--python-version 3.12 --python-platform aarch64-manylinux_2_39 --only-binary :all: \
		requirements-ros.txt)
	grep -qx 'mujoco==.*' <<< "$$resolved"
	echo "arm64, Python 3.12: $$(wc -l <<< "$$resolved") packages, a wheel of each"

clean: ## Remove everything that was made, the virtual environment too
	@rm -rf $(VENV) .venv-* $(COLCON) .site build install log *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(UV):
	@"$(PYTHON)" -m venv .venv-uv
	.venv-uv/bin/pip install -qq uv==0.13.9  # resolves for all Pythons at once

$(VENV)/.training: requirements-training.txt $(VENV)/.complete
	@$(unless_done)
	$(BIN)/pip install -qq -r requirements-training.txt
	touch $@

$(VENV)/.docs: requirements-docs.txt $(VENV)/.complete
	@$(unless_done)
	$(BIN)/pip install -qq -r requirements-docs.txt
	touch $@

# The robot speaks Cyclone DDS 0.10.2, of which PyPI has no wheel for this Python: it is built against
# Debian's. The folder that it is built from has to stay, since its path goes into the module.
$(VENV)/.hardware: requirements-hardware.txt $(VENV)/.complete | hardware-python
	@$(unless_done)
	if ! dpkg -s cyclonedds-dev cyclonedds-tools > /dev/null 2>&1; then
		root=()
		[[ $$(id -u) == 0 ]] || root=(sudo -n)
		"$${root[@]}" apt-get update -qq
		"$${root[@]}" apt-get install -y -qq --no-install-recommends cyclonedds-dev cyclonedds-tools > /dev/null
	fi
	home=$$PWD/$(VENV)/cyclonedds
	mkdir -p "$$home"
	ln -sfn /usr/include "$$home/include"
	ln -sfn "/usr/lib/$(MULTIARCH)" "$$home/lib"
	ln -sfn /usr/bin "$$home/bin"
	CYCLONEDDS_HOME="$$home" $(BIN)/pip install -qq --no-cache-dir --no-binary cyclonedds \
		-r <(grep -v '^unitree' requirements-hardware.txt)
	# It asks for OpenCV, which only its camera client uses.
	$(BIN)/pip install -qq --no-deps -r <(grep '^unitree' requirements-hardware.txt)
	touch $@

# What cannot be installed here, said before anything is tried.
machine:
	@if [[ ":$${PATH}:$${LD_LIBRARY_PATH:-}:" == *:/opt/ros/* || -n "$${ROS_DISTRO:-}" ]]; then
		echo "A ROS installation ($${ROS_DISTRO:-/opt/ros}) is sourced in this shell, and make brings its own." >&2
		echo "The two do not mix. Either open a shell without it and make again, or use that ROS:" >&2
		echo "  colcon build && source install/setup.bash && ros2 launch gpc_ros sim.launch.py" >&2
		exit 1
	fi
	if [[ "$$(uname -sm)" != "Linux x86_64" ]]; then
		echo "ROS 2 comes as wheels for Linux on x86_64 only; this is $$(uname -sm)." >&2
		echo "Install ROS 2 Jazzy here and build with colcon: see README.md." >&2
		exit 1
	fi
	if [[ -z "$(PYTHON)" ]] || ! version=$$("$(PYTHON)" .ci/pythons.py); then
		echo "Python 3.11, 3.12 or 3.13 is needed: sudo apt-get install python3 python3-dev python3-venv" >&2
		echo "(or name one: make PYTHON=/path/to/python3.12)" >&2
		exit 1
	fi
	missing=()
	command -v g++ > /dev/null || missing+=(g++)
	[[ "$$version" != *headers* ]] || missing+=("python$${version%% *}-dev")
	[[ "$$version" != *ensurepip* ]] || missing+=("python$${version%% *}-venv")
	if (( $${#missing[@]} )); then
		echo "Missing on this machine: $${missing[*]}. Install with:" >&2
		echo "  sudo apt-get install $${missing[*]}" >&2
		exit 1
	fi

# Refused before an environment is made: Cyclone DDS 0.10.2 builds on 3.13 and then fails to import.
hardware-python:
	@python=$(BIN)/python
	[[ -x "$$python" ]] || python="$(PYTHON)"
	if ! "$$python" -c 'import sys; sys.exit(sys.version_info[:2] > (3, 12))'; then
		echo "Cyclone DDS 0.10.2, the version in the robot, does not load in Python 3.13 or newer." >&2
		echo "Use Python 3.12 for the robot: make clean; make hardware PYTHON=python3.12" >&2
		exit 1
	fi

# The stamp comes last, so that an interrupted attempt is never taken for a whole environment. The
# lock lets two makes at once wait for each other; the second then finds the work done. Packages are
# apart from the messages, which change more often.
define unless_done
exec 9> $(VENV).lock
flock 9
if [[ -f $@ && -z "$$(find $^ -newer $@)" ]]; then exit; fi
endef

$(VENV)/.packages: requirements.lock.txt | machine
	@$(unless_done)
	echo "Making the virtual environment $(VENV): a minute or two, once."
	rm -rf $(VENV)
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/pip install -qq --require-hashes -r requirements.lock.txt
	touch $@

$(VENV)/.messages: $(VENV)/.packages $(MESSAGES) | machine
	@$(unless_done)
	echo "Building gpc_msgs."
	build=(./gpc_msgs)
	if $(BIN)/pip show -qq gpc-compat-tf2-msgs || ! $(BIN)/python -c 'import tf2_msgs' 2> /dev/null; then
		build+=(./gpc_msgs/compat/tf2_msgs)
	fi
	$(BIN)/pip install -qq --force-reinstall --no-deps --no-build-isolation "$${build[@]}"
	touch $@

# What drivers of motion capture speak, for the tests: on a robot it comes with the driver.
$(VENV)/.drivers: $(VENV)/.messages | machine
	@$(unless_done)
	build=()
	for package in mocap4r2_msgs motion_capture_tracking_interfaces; do
		if $(BIN)/pip show -qq gpc-compat-$${package//_/-} || ! $(BIN)/python -c "import $$package" 2> /dev/null; then
			build+=(./gpc_msgs/compat/$$package)
		fi
	done
	(( $${#build[@]} == 0 )) || $(BIN)/pip install -qq --force-reinstall --no-deps --no-build-isolation "$${build[@]}"
	touch $@

$(VENV)/.complete: $(VENV)/.messages setup.py setup.cfg | machine
	@$(unless_done)
	$(BIN)/pip install -qq --no-deps --no-build-isolation -e .
	touch $@
