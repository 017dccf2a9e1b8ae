"""Upload examples/data, in order, to the embedded server in the folder `.demo`.

Run it twice: the second run resumes the first, and sends nothing.
"""

from pathlib import Path

import sutro

DATA = Path(__file__).parent / "data"
API_URL = "local:.demo"


def main() -> None:
    """Upload, then print the report and the files of the dataset."""
    datasets = sutro.list_datasets(api_url=API_URL)
    dataset_id = datasets[0].dataset_id if datasets else None

    report = sutro.upload(DATA, dataset_id, api_url=API_URL)

    print(report)
    if all(file.status == "skipped" for file in report):
        print("\nAll files are already there: nothing was sent.")

    print("\nThe dataset, in order:")
    for file in sutro.list_dataset_files(report.dataset_id, api_url=API_URL):
        print(f"  {file.file_name}  {file.row_count} rows  {file.size_bytes} bytes")


if __name__ == "__main__":
    main()
