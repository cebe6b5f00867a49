"""`python -m stationmaster` is the command line."""

from stationmaster.cli.main import run

if __name__ == "__main__":
    run()
