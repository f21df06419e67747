"""Operations: the files and checks around a deployment."""
