-- SHA-256 of the API key that made the dataset, in hexadecimal; NULL where there were no keys.
ALTER TABLE datasets ADD COLUMN owner TEXT;
