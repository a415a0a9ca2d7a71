"""The pytest plugin of chatkit-sim."""
