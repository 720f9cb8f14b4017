# Paths are relative and programs are started as `python -m`, so that a folder with a space in its name works too.
PY := .venv/bin/python
EXTRAS := video-headless,metrics,notebooks,photographs,site,test
# The archive of `make classroom` brings its own packages, so that it needs no network.
OFFLINE := $(if $(wildcard wheels/*.whl),--no-index --find-links wheels)
.PHONY: demo test lab explore page site classroom clean

demo: .venv/.installed
	@echo "In about a minute there are first scenes: runs/demo/first_scenes.png"
	@$(PY) tools/execute.py notebooks/00_start_here.ipynb runs/demo -p iterations 1500
	@$(PY) -m nbconvert --log-level=ERROR --to=html runs/demo/00_start_here.ipynb
	@echo
	@echo "Scenes at the photograph's own size: runs/demo/scenes.png"
	@echo "The same scenes as they were drawn:  runs/demo/grid.png"
	@echo "The notebook, executed:              runs/demo/00_start_here.ipynb"
	@echo "The same as a page:                  runs/demo/00_start_here.html"

test: .venv/.installed
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pytest -n 2 --dist loadscope

lab: .venv/.installed
	$(PY) -m jupyterlab --ip=127.0.0.1 --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(if $(filter 0,$(shell id -u)),--allow-root)

# make explore RUNS=FOLDER opens only what lies in another folder.
explore: .venv/.installed
	@mkdir -p "$(or $(RUNS),runs)"
	$(if $(RUNS),SIV_LITE_RUNS="$$(cd "$(RUNS)" && pwd)") JUPYTER_PATH="$(CURDIR)/tools/page" \
	    $(PY) -m voila --Voila.ip=127.0.0.1 --template=siv_lite \
	    --VoilaConfiguration.extension_allowlist=@voila-dashboards/widgets-manager8 \
	    --VoilaConfiguration.extension_allowlist=@jupyter-widgets/jupyterlab-manager \
	    --VoilaConfiguration.extension_allowlist=anywidget notebooks/explore.ipynb

# make page PAGE=FOLDER writes it elsewhere.
page: .venv/.installed
	@$(PY) tools/build_page.py "$(or $(PAGE),build/page)"
	@echo "Open $(or $(PAGE),build/page)/index.html in a browser: from a file system too, and without network."

site: .venv/.installed
	$(PY) tools/build_site.py $(if $(SOLUTIONS),--solutions)

classroom: .venv/.installed
	$(PY) tools/pack_classroom.py $(EXTRAS)

clean:
	rm -rf .venv node_modules runs build dist siv_lite.egg-info .pytest_cache .ruff_cache
	find . -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

# opencv-python-headless, because opencv-python does not import where libGL is missing, as on servers and in containers.
.venv/.installed: pyproject.toml constraints.txt
	@for python in $(if $(PYTHON),"$(PYTHON)",python3 python3.12 python3.11); do \
	    "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && break; python=; \
	done; \
	test -n "$$python" || { echo "siv_lite needs Python 3.11 or 3.12 and found neither:" \
	    "install one, or name it with make PYTHON=/path/to/python3.12." >&2; exit 1; }; \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || { echo "$$python cannot make virtual environments:" \
	    "install its venv module (on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }; \
	"$$python" -m venv --clear .venv
	$(if $(OFFLINE),,$(PY) -m pip install --quiet --upgrade pip)
	$(PY) -m pip install $(OFFLINE) -c constraints.txt -e ".[$(EXTRAS)]"
	@touch $@
