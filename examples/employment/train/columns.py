"""The columns of the example, in the order in which the model's input tensor holds them."""

NUMERIC = ('AGEP',)
CATEGORICAL = (
    'SCHL', 'MAR', 'RELP', 'DIS', 'ESP', 'CIT', 'MIG', 'MIL', 'ANC', 'NATIVITY', 'DEAR', 'DEYE', 'DREM', 'SEX', 'RAC1P',
)
FEATURES = NUMERIC + CATEGORICAL
LABEL = 'employed'
COLUMNS = ('id', 'year') + FEATURES + (LABEL,)
