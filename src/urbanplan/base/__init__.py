"""What everything else stands on: schemas of tables, coordinate systems, grids."""
